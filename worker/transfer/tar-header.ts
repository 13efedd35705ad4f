/**
 * Formats the headers of a tar: POSIX ustar, and GNU's extra entry for a name that is too long for it. Every tar reads
 * these. Libraries write pax headers instead, which busybox's tar skips, so that each such file becomes `PaxHeader`.
 */

export interface TarEntry {
  /** UTF-8; a folder's name ends in a slash */
  readonly name: string;
  readonly kind: 'file' | 'link' | 'folder';
  /** 0 unless it is a file */
  readonly size: number;
  readonly mode: number;
  readonly modified: Date;
  /** of a link */
  readonly target?: string;
}

const block = 512;
const nameBytes = 100;
const typeFlags = { file: '0', link: '2', folder: '5' } as const;
/** Larger sizes do not fit into eleven octal digits. */
const octalLimit = 8 ** 11;

/** Returns the bytes before an entry's content. */
export function formatTarHeader(entry: TarEntry): Buffer {
  const name = Buffer.from(entry.name);
  const target = Buffer.from(entry.target ?? '');
  return Buffer.concat([
    ...(target.length > nameBytes ? longName('K', target, entry) : []),
    ...(name.length > nameBytes ? longName('L', name, entry) : []),
    header(entry, { name, target, flag: typeFlags[entry.kind], size: entry.size }),
  ]);
}

/** Returns how many zeros follow a content of so many bytes. */
export const tarPadding = (size: number): number => (block - (size % block)) % block;

/** The two blocks of zeros that end an archive. */
export const tarEndBytes = 2 * block;

/** GNU's entry `././@LongLink`, whose content is the name of the entry that follows. */
function longName(flag: 'K' | 'L', name: Buffer, entry: TarEntry): readonly Buffer[] {
  const content = Buffer.concat([name, Buffer.alloc(1)]);
  const link = { name: Buffer.from('././@LongLink'), target: Buffer.alloc(0), flag, size: content.length };
  return [header(entry, link), content, Buffer.alloc(tarPadding(content.length))];
}

interface Fields {
  readonly name: Buffer;
  readonly target: Buffer;
  readonly flag: string;
  readonly size: number;
}

/** The owner is always 0: the tar of another user ignores it, and root's makes root the owner. */
function header({ mode, modified }: TarEntry, { name, target, flag, size }: Fields): Buffer {
  const bytes = Buffer.alloc(block);
  const octal = (value: number, at: number, digits: number) =>
    bytes.write(value.toString(8).padStart(digits, '0'), at);
  name.copy(bytes, 0, 0, nameBytes);
  octal(mode & 0o7777, 100, 7); // mode
  octal(0, 108, 7); // uid
  octal(0, 116, 7); // gid
  if (size < octalLimit) octal(size, 124, 11);
  else writeBinarySize(bytes, size);
  octal(Math.min(octalLimit - 1, Math.max(0, Math.floor(modified.getTime() / 1000))), 136, 11); // mtime
  bytes.fill(' ', 148, 156); // the checksum counts as spaces
  bytes.write(flag, 156);
  target.copy(bytes, 157, 0, nameBytes);
  bytes.write('ustar  ', 257); // GNU's magic and version
  octal(
    bytes.reduce((sum, byte) => sum + byte, 0),
    148,
    6,
  );
  bytes[154] = 0;
  return bytes;
}

/** GNU's form of a number that is too large: the first bit is set, and the bytes are the number. */
function writeBinarySize(bytes: Buffer, size: number): void {
  bytes[124] = 0x80;
  bytes.writeBigUInt64BE(BigInt(size), 128);
}
