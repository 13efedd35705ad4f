/** Reads numbers of bytes as people write them (`64KiB`, `100MB`, `1.5 GB`), and writes them. */
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

/** What a key or an option accepts. */
export interface ByteCountRule {
  /** refuses a bare number, which may be meant in any unit */
  readonly needsUnit?: boolean;
  /** 0 unless set */
  readonly minBytes?: number;
  /** the largest exact number unless set, about 9 petabytes */
  readonly maxBytes?: number;
}

/** Returns whole bytes. Accepts fractions in units above the byte. */
export function parseByteCount(
  text: string,
  what = 'bytes',
  { needsUnit = false, minBytes = 0, maxBytes = Number.MAX_SAFE_INTEGER }: ByteCountRule = {},
): Result<number> {
  const because = (reason: string) => refuse(`cannot accept ${what} ${quote(text)}: ${reason}`);
  const [, number = '', unit = ''] = /^(\d{1,15}(?:\.\d{1,6})?) ?([A-Za-z]*)$/.exec(text) ?? [];
  const size = Object.hasOwn(unitBytes, unit) ? unitBytes[unit] : undefined;
  if (number === '' || size === undefined || (size === 1 && number.includes('.'))) {
    return because('it must be a number with B, kB, MB, GB, TB, KiB, MiB, GiB or TiB');
  }
  if (needsUnit && unit === '') return because('it has no unit; write 500MB, 20GB or 20GiB');
  const bytes = Math.round(Number(number) * size);
  if (bytes < minBytes) return because(`it must be at least ${formatByteCount(minBytes)}`);
  if (bytes > maxBytes) return because(`it must be at most ${formatByteCount(maxBytes)}`);
  return accept(bytes);
}

/** Formats bytes for a sentence: exact below 10 kB, with one decimal above. */
export function formatByteCount(bytes: number): string {
  if (bytes < 10_000) return `${bytes} B`;
  const unit = ['TB', 'GB', 'MB'].find((name) => bytes >= (unitBytes[name] ?? Infinity)) ?? 'kB';
  return `${(bytes / (unitBytes[unit] ?? 1)).toFixed(1)} ${unit}`;
}
