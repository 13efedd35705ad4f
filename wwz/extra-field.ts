/** The extra field of a zip's header: its bytes -> what it says of sizes and of the name. Pure; APPNOTE 4.5. */

/** Sizes and offset of an entry, in bytes. */
export interface EntrySizes {
  readonly size: number;
  readonly compressedSize: number;
  readonly headerOffset: number;
}

const zip64Id = 0x0001;
const unicodePathId = 0x7075;
const elsewhere = 0xffffffff;

/**
 * Sizes as the header has them, those that are 0xffffffff replaced by the Zip64 field's (4.5.3: only these stand
 * there, in this order). Undefined where the field is missing, too short, or holds more than 2^53.
 */
export function parseZip64Extra(extra: Buffer, header: EntrySizes): EntrySizes | undefined {
  const keys = (['size', 'compressedSize', 'headerOffset'] as const).filter((k) => header[k] === elsewhere);
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

/** Whether the field gives the entry another name (4.6.9), which unzip would take and we would not. */
export function hasOtherName(extra: Buffer, nameBytes: Buffer): boolean {
  const field = findField(extra, unicodePathId);
  return field !== undefined && !field.subarray(5).equals(nameBytes);
}

/** Whether the field is a row of whole parts. Some old tools pad with up to three bytes; nobody reads those. */
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
