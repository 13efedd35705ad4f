/** Parses the extra field of a zip's header, for sizes and names. Pure. See APPNOTE 4.5. */

/** Sizes and offset of an entry, in bytes. */
export interface EntrySizes {
  readonly size: number;
  readonly compressedSize: number;
  readonly headerOffset: number;
}

const zip64Id = 0x0001;
const unicodePathId = 0x7075;
const inZip64Field = 0xffffffff;

/**
 * Returns the sizes of a header, with those that are 0xffffffff replaced from the Zip64 field, which contains only these
 * in this order (4.5.3). Returns undefined if the field is missing, too short, or has a number beyond 2^53.
 */
export function parseZip64Extra(extra: Buffer, header: EntrySizes): EntrySizes | undefined {
  const keys = (['size', 'compressedSize', 'headerOffset'] as const).filter(
    (k) => header[k] === inZip64Field,
  );
  if (keys.length === 0) return header;
  const field = findField(extra, zip64Id);
  if (field === undefined || field.length < keys.length * 8) return undefined;
  const sizes = { ...header };
  for (const [index, key] of keys.entries()) {
    const value = field.readUInt32LE(index * 8 + 4) * 2 ** 32 + field.readUInt32LE(index * 8);
    if (!Number.isSafeInteger(value)) return undefined;
    sizes[key] = value;
  }
  return sizes;
}

/** Returns whether the field has another name for the entry (4.6.9). unzip would use that name. */
export function hasOtherName(extra: Buffer, nameBytes: Buffer): boolean {
  const field = findField(extra, unicodePathId);
  return field !== undefined && !field.subarray(5).equals(nameBytes);
}

/** Returns whether the field is a sequence of complete parts. Some old tools pad it with up to three bytes. */
export function isWellFormed(extra: Buffer): boolean {
  let at = 0;
  while (at + 4 <= extra.length) at += 4 + extra.readUInt16LE(at + 2);
  return at <= extra.length;
}

function findField(extra: Buffer, id: number): Buffer | undefined {
  let at = 0;
  while (at + 4 <= extra.length) {
    const end = at + 4 + extra.readUInt16LE(at + 2);
    if (extra.readUInt16LE(at) === id) return end <= extra.length ? extra.subarray(at + 4, end) : undefined;
    at = end;
  }
  return undefined;
}
