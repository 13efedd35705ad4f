/** What a limit kept out of a job's wwz: files, or the middle of a log. Pure. */
import { formatByteCount } from './byte-count.js';
import { quote } from './result.js';

export interface LeftOut {
  /** the name in the wwz */
  readonly file: string;
  /** what was left out, of all files of this entry together */
  readonly bytes: number;
  /** further files that the same limit kept out, after `file` in the order of names; absent: none */
  readonly more?: number;
  /** true: the wwz has the beginning and the end of the file */
  readonly isPart?: boolean;
  /** a clause that names the limit, such as `one file of a wwz has at most 1.07 GB` */
  readonly limit: string;
}

/** How many entries a record has. The last one counts the others. */
export const maxLeftOut = 100;

/** Formats one entry as a sentence without a full stop. */
export function formatLeftOut({ file, bytes, more = 0, isPart = false, limit }: LeftOut): string {
  const size = formatByteCount(bytes);
  if (isPart) return `left out ${size} in the middle of ${quote(file, 200)}: ${limit}`;
  const others = more === 0 ? '' : ` and ${more} more ${more === 1 ? 'file' : 'files'}`;
  return `left out ${quote(file, 200)}${others} (${size}): ${limit}`;
}
