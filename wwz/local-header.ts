/** What stands around an entry's data: the header before it and the descriptor behind it. Pure; APPNOTE 4.3.7, 4.3.9. */
import { parseZip64Extra } from './extra-field.js';

export const localHeaderLength = 30;

/** The header's fixed part: how long the whole is, and what it repeats of the central directory. */
export interface LocalHeader {
  readonly flags: number;
  readonly method: number;
  readonly crc: number;
  readonly compressedSize: number;
  readonly size: number;
  readonly nameLength: number;
  readonly extraLength: number;
}

/** Undefined where `bytes` do not begin with a local header. */
export function parseLocalHeader(bytes: Buffer): LocalHeader | undefined {
  if (bytes.length < localHeaderLength || bytes.readUInt32LE(0) !== 0x04034b50) return undefined;
  return {
    flags: bytes.readUInt16LE(6),
    method: bytes.readUInt16LE(8),
    crc: bytes.readUInt32LE(14),
    compressedSize: bytes.readUInt32LE(18),
    size: bytes.readUInt32LE(22),
    nameLength: bytes.readUInt16LE(26),
    extraLength: bytes.readUInt16LE(28),
  };
}

/** Checksum and sizes of one entry, wherever they stand. */
export interface Sums {
  readonly crc: number;
  readonly compressedSize: number;
  readonly size: number;
}

/** The sums that a local header claims, its Zip64 field seen through; undefined where that field is wrong. */
export function localSums(header: LocalHeader, extra: Buffer): Sums | undefined {
  const { crc, compressedSize, size } = header;
  const sizes = parseZip64Extra(extra, { size, compressedSize, headerOffset: 0 });
  return sizes && { crc, compressedSize: sizes.compressedSize, size: sizes.size };
}

/** Reads a descriptor that must fill `bytes`: with or without signature, sizes of four bytes or of eight (Zip64). */
export function parseDescriptor(bytes: Buffer): Sums | undefined {
  const hasSignature = bytes.length === 16 || bytes.length === 24;
  if (hasSignature && bytes.readUInt32LE(0) !== 0x08074b50) return undefined;
  const at = hasSignature ? 4 : 0;
  switch (bytes.length - at) {
    case 12:
      return {
        crc: bytes.readUInt32LE(at),
        compressedSize: bytes.readUInt32LE(at + 4),
        size: bytes.readUInt32LE(at + 8),
      };
    case 20:
      return {
        crc: bytes.readUInt32LE(at),
        compressedSize: Number(bytes.readBigUInt64LE(at + 4)),
        size: Number(bytes.readBigUInt64LE(at + 12)),
      };
    default:
      return undefined;
  }
}
