/** Parses the local header before an entry's data and the descriptor after it. Pure. See APPNOTE 4.3.7 and 4.3.9. */
import { parseZip64Extra } from './extra-field.js';

export const localHeaderLength = 30;

/** The fixed part of a local header. */
export interface LocalHeader {
  readonly flags: number;
  readonly method: number;
  readonly crc: number;
  readonly compressedSize: number;
  readonly size: number;
  readonly nameLength: number;
  readonly extraLength: number;
}

/** Returns undefined if `bytes` do not start with a local header. */
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

/** The checksum and sizes of an entry. */
export interface Sums {
  readonly crc: number;
  readonly compressedSize: number;
  readonly size: number;
}

/** Returns the sums of a local header and its Zip64 field, or undefined if that field is wrong. */
export function readLocalSums(header: LocalHeader, extra: Buffer): Sums | undefined {
  const { crc, compressedSize, size } = header;
  const sizes = parseZip64Extra(extra, { size, compressedSize, headerOffset: 0 });
  return sizes && { crc, compressedSize: sizes.compressedSize, size: sizes.size };
}

/** Parses a descriptor that fills `bytes`: with or without signature, with sizes of four or eight bytes (Zip64). */
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
