/** Builds zips for tests, in which any field of an entry may be wrong. */
import { crc32, deflateRawSync } from 'node:zlib';

/** An entry; fields that are left out get correct values. */
export interface ZipEntrySpec {
  readonly name: string | Buffer;
  readonly content?: string | Buffer;
  readonly method?: number;
  readonly flags?: number;
  readonly crc?: number;
  readonly size?: number;
  readonly compressedSize?: number;
  /** replaces the compressed content */
  readonly data?: Buffer;
  readonly attributes?: number;
  readonly disk?: number;
  readonly extra?: Buffer;
  /** offset of the header according to the directory */
  readonly offset?: number;
  /** bytes before the header and after the data */
  readonly before?: Buffer;
  readonly after?: Buffer;
  /** fields of the local header that differ */
  readonly local?: Partial<LocalFields>;
}

interface LocalFields {
  readonly signature: number;
  readonly name: string | Buffer;
  readonly method: number;
  readonly flags: number;
  readonly crc: number;
  readonly size: number;
  readonly compressedSize: number;
  readonly extra: Buffer;
}

export interface ZipSpec {
  readonly comment?: Buffer;
  readonly beforeDirectory?: Buffer;
  readonly afterDirectory?: Buffer;
  readonly afterEnd?: Buffer;
  readonly count?: number;
  readonly directoryOffset?: number;
  readonly directorySize?: number;
  readonly disk?: number;
  /** adds a Zip64 end record and locator, and sentinels in the plain one */
  readonly zip64?: { readonly count?: number; readonly recordOffset?: number; readonly plainCount?: number };
}

/** External attributes: st_mode of a regular file, a folder, a symlink. */
export const regular = 0o100644 * 0x10000;
export const folder = 0o040755 * 0x10000;
export const symlink = 0o120777 * 0x10000;

export function buildZip(entries: readonly ZipEntrySpec[], zip: ZipSpec = {}): Buffer {
  const parts: Buffer[] = [];
  const records: Buffer[] = [];
  let position = 0;
  const push = (bytes: Buffer) => {
    parts.push(bytes);
    position += bytes.length;
  };
  for (const entry of entries) {
    push(entry.before ?? Buffer.alloc(0));
    const content = Buffer.from(entry.content ?? '');
    const method = entry.method ?? 8;
    const data = entry.data ?? (method === 8 ? deflateRawSync(content) : content);
    const fields = {
      name: Buffer.from(entry.name),
      method,
      flags: entry.flags ?? 0x800,
      crc: entry.crc ?? crc32(content),
      size: entry.size ?? content.length,
      compressedSize: entry.compressedSize ?? data.length,
      extra: entry.extra ?? Buffer.alloc(0),
    };
    records.push(centralRecord(entry, fields, entry.offset ?? position));
    push(localHeader({ signature: 0x04034b50, ...fields, ...entry.local }));
    push(data);
    push(entry.after ?? Buffer.alloc(0));
  }
  push(zip.beforeDirectory ?? Buffer.alloc(0));
  const directory = Buffer.concat(records);
  const offset = zip.directoryOffset ?? position;
  push(directory);
  push(zip.afterDirectory ?? Buffer.alloc(0));
  const size = zip.directorySize ?? directory.length;
  const count = zip.count ?? entries.length;
  const comment = zip.comment ?? Buffer.alloc(0);
  if (zip.zip64 !== undefined) push(end64({ ...zip.zip64, entries: entries.length, size, offset, position }));
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(zip.disk ?? 0, 4);
  end.writeUInt16LE(zip.zip64 ? (zip.zip64.plainCount ?? 0xffff) : count, 8);
  end.writeUInt16LE(zip.zip64 ? (zip.zip64.plainCount ?? 0xffff) : count, 10);
  end.writeUInt32LE(zip.zip64 ? 0xffffffff : size, 12);
  end.writeUInt32LE(zip.zip64 ? 0xffffffff : offset, 16);
  end.writeUInt16LE(comment.length, 20);
  push(end);
  push(comment);
  push(zip.afterEnd ?? Buffer.alloc(0));
  return Buffer.concat(parts);
}

type Fields = Omit<LocalFields, 'signature'>;

function localHeader(fields: LocalFields): Buffer {
  const name = Buffer.from(fields.name);
  const header = Buffer.alloc(30);
  header.writeUInt32LE(fields.signature, 0);
  header.writeUInt16LE(20, 4);
  header.writeUInt16LE(fields.flags, 6);
  header.writeUInt16LE(fields.method, 8);
  header.writeUInt32LE(0x00210000, 10);
  header.writeUInt32LE(fields.crc, 14);
  header.writeUInt32LE(fields.compressedSize, 18);
  header.writeUInt32LE(fields.size, 22);
  header.writeUInt16LE(name.length, 26);
  header.writeUInt16LE(fields.extra.length, 28);
  return Buffer.concat([header, name, fields.extra]);
}

function centralRecord(entry: ZipEntrySpec, fields: Fields, offset: number): Buffer {
  const name = Buffer.from(fields.name);
  const record = Buffer.alloc(46);
  record.writeUInt32LE(0x02014b50, 0);
  record.writeUInt16LE(0x0314, 4);
  record.writeUInt16LE(20, 6);
  record.writeUInt16LE(fields.flags, 8);
  record.writeUInt16LE(fields.method, 10);
  record.writeUInt32LE(0x00210000, 12);
  record.writeUInt32LE(fields.crc, 16);
  record.writeUInt32LE(fields.compressedSize, 20);
  record.writeUInt32LE(fields.size, 24);
  record.writeUInt16LE(name.length, 28);
  record.writeUInt16LE(fields.extra.length, 30);
  record.writeUInt16LE(entry.disk ?? 0, 34);
  record.writeUInt32LE(entry.attributes ?? (name.at(-1) === 0x2f ? folder : regular), 38);
  record.writeUInt32LE(offset, 42);
  return Buffer.concat([record, name, fields.extra]);
}

interface End64 {
  readonly entries: number;
  readonly size: number;
  readonly offset: number;
  readonly position: number;
  readonly count?: number;
  readonly recordOffset?: number;
}

function end64(at: End64): Buffer {
  const bytes = Buffer.alloc(56 + 20);
  bytes.writeUInt32LE(0x06064b50, 0);
  bytes.writeBigUInt64LE(44n, 4);
  bytes.writeUInt16LE(45, 12);
  bytes.writeUInt16LE(45, 14);
  bytes.writeBigUInt64LE(BigInt(at.count ?? at.entries), 24);
  bytes.writeBigUInt64LE(BigInt(at.count ?? at.entries), 32);
  bytes.writeBigUInt64LE(BigInt(at.size), 40);
  bytes.writeBigUInt64LE(BigInt(at.offset), 48);
  bytes.writeUInt32LE(0x07064b50, 56);
  bytes.writeBigUInt64LE(BigInt(at.recordOffset ?? at.position), 64);
  bytes.writeUInt32LE(1, 72);
  return bytes;
}

/** Returns a data descriptor with signature, as it follows an entry's data. */
export function makeDescriptor(content: string, data: Buffer, { crc = crc32(content) } = {}): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt32LE(0x08074b50, 0);
  bytes.writeUInt32LE(crc, 4);
  bytes.writeUInt32LE(data.length, 8);
  bytes.writeUInt32LE(Buffer.byteLength(content), 12);
  return bytes;
}

/** Returns one part of an extra field. */
export function makeExtra(id: number, content: Buffer, { length = content.length } = {}): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt16LE(id, 0);
  bytes.writeUInt16LE(length, 2);
  return Buffer.concat([bytes, content]);
}
