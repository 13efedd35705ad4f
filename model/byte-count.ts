/** Numbers of bytes as people write them (`64KiB`, `100MB`, `2GiB`) -> whole bytes, or a refusal; and back. */
import { accept, quote, refuse, type Result } from './result.js';

const unitBytes: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

/** Reads a number with a unit; fractions are for units above the byte. */
export function parseByteCount(text: string, what = 'bytes'): Result<number> {
  const [, number = '', unit = ''] = /^(\d{1,15}(?:\.\d{1,6})?) ?([A-Za-z]*)$/.exec(text) ?? [];
  const size = Object.hasOwn(unitBytes, unit) ? unitBytes[unit] : undefined;
  const bytes = Number(number) * (size ?? NaN);
  if (number === '' || size === undefined || (size === 1 && number.includes('.'))) {
    return refuse(
      `cannot accept ${what} ${quote(text)}: it must be a number with B, kB, MB, GB, TB, KiB, MiB, GiB or TiB`,
    );
  }
  if (bytes > Number.MAX_SAFE_INTEGER) {
    return refuse(`cannot accept ${what} ${quote(text)}: it is more than any disk has`);
  }
  return accept(Math.round(bytes));
}

/** Bytes for a sentence: exact below 10 kB, with one decimal above. */
export function formatByteCount(bytes: number): string {
  if (bytes < 10_000) return `${bytes} B`;
  const unit = ['TB', 'GB', 'MB'].find((name) => bytes >= (unitBytes[name] ?? Infinity)) ?? 'kB';
  return `${(bytes / (unitBytes[unit] ?? 1)).toFixed(1)} ${unit}`;
}
