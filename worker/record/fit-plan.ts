/** Decides which files of a wwz are left out, and how far its logs are cut, so that it satisfies limits. Pure. */
import { formatByteCount } from '../../model/byte-count.js';
import { maxLeftOut, type LeftOut } from '../../model/left-out.js';
import { wwzIndex, wwzSoilFolder } from '../../model/path.js';
import { compareNames } from '../../wwz/entry-name.js';

/** A file of the wwz that is or will be written. */
export interface FitEntry {
  readonly name: string;
  /** inflated */
  readonly bytes: number;
  /** in the zip */
  readonly packedBytes: number;
}

export interface FitLimits {
  readonly entries: number;
  readonly entryBytes: number;
  readonly totalBytes: number;
  readonly directoryBytes: number;
  readonly ratio: number;
  /** of the wwz itself */
  readonly wwzBytes: number;
}

export interface FitPlan {
  /** the names of results to leave out */
  readonly drop: ReadonlySet<string>;
  /** longer logs are cut to this; Infinity: none is */
  readonly logBytes: number;
  /** the names of files to store without compression, since they inflate too far */
  readonly store: ReadonlySet<string>;
  readonly leftOut: readonly LeftOut[];
}

const resultsFolder = `${wwzSoilFolder}/results/`;

/** Returns whether a file of a wwz is a result of a task. The others are Soil's own: pages, rows and logs. */
export const isResult = (name: string): boolean =>
  name.startsWith(resultsFolder) || (name !== wwzIndex && !name.startsWith(`${wwzSoilFolder}/`));

/** Returns whether a file of a wwz is a log, which can be cut. */
export const isLog = (name: string): boolean =>
  name.startsWith(`${wwzSoilFolder}/`) && name.endsWith('.txt') && !name.startsWith(resultsFolder);

/** The bytes of an entry beside its content: two headers with the name, and a descriptor. */
const directoryCost = ({ name }: FitEntry): number => 46 + Buffer.byteLength(name) + 32;
const entryCost = (entry: FitEntry): number => directoryCost(entry) + 30 + Buffer.byteLength(entry.name) + 24;
/** The end records, and what the index page grows by the lines of what was left out. */
const spareBytes = 4096;

/**
 * Plans a wwz within the limits. Leaves out results that are too large, then those at the end of the order of names if
 * there are too many, then the largest if all together are too large. Cuts logs only if that is not enough. `who`: whose
 * limits these are, as in "the server".
 */
export function planFit(entries: readonly FitEntry[], limits: FitLimits, who: string): FitPlan {
  const leftOut = new LeftOutList();
  const store = new Set(
    entries.filter(({ bytes, packedBytes }) => bytes > packedBytes * limits.ratio).map(({ name }) => name),
  );
  const packed = ({ name, bytes, packedBytes }: FitEntry): number => (store.has(name) ? bytes : packedBytes);
  const own = entries.filter(({ name }) => !isResult(name));
  let results = entries.filter(({ name }) => isResult(name)).sort((a, b) => compareNames(a.name, b.name));

  results = results.filter((entry) => {
    if (entry.bytes <= limits.entryBytes) return true;
    leftOut.add([entry], `${who} accepts at most ${formatByteCount(limits.entryBytes)} in one file of a wwz`);
    return false;
  });

  const room = Math.max(0, limits.entries - own.length);
  leftOut.add(results.slice(room), `${who} accepts at most ${limits.entries} files in a wwz`);
  results = results.slice(0, room);

  let directory = own.reduce((sum, entry) => sum + directoryCost(entry), spareBytes);
  const fitting = results.findIndex((entry) => (directory += directoryCost(entry)) > limits.directoryBytes);
  if (fitting >= 0) {
    const limit = formatByteCount(limits.directoryBytes);
    leftOut.add(results.slice(fitting), `${who} accepts at most ${limit} in the directory of a wwz`);
    results = results.slice(0, fitting);
  }

  const dropLargest = (size: (entry: FitEntry) => number, max: number, what: string): void => {
    let sum = [...own, ...results].reduce((total, entry) => total + size(entry), spareBytes);
    const largestFirst = [...results].sort((a, b) => size(b) - size(a) || compareNames(a.name, b.name));
    const dropped = new Set<FitEntry>();
    for (const entry of largestFirst) {
      if (sum <= max) break;
      dropped.add(entry);
      sum -= size(entry);
    }
    leftOut.add(
      results.filter((entry) => dropped.has(entry)),
      `${who} accepts at most ${formatByteCount(max)} in ${what}`,
    );
    results = results.filter((entry) => !dropped.has(entry));
  };
  dropLargest(({ bytes }) => bytes, limits.totalBytes, 'all files of a wwz together');
  dropLargest((entry) => packed(entry) + entryCost(entry), limits.wwzBytes, 'a wwz');

  const logBytes = planLogBytes(own, results, { ...limits, packed });
  for (const { name, bytes } of own) {
    if (!isLog(name) || bytes <= logBytes) continue;
    leftOut.addPart(
      name,
      bytes - logBytes,
      `${who} accepts at most ${formatByteCount(logBytes)} of this log`,
    );
  }
  const kept = new Set(results.map(({ name }) => name));
  const drop = new Set(
    entries.filter(({ name }) => isResult(name) && !kept.has(name)).map(({ name }) => name),
  );
  return { drop, logBytes, store, leftOut: leftOut.list() };
}

/** Below this, a log says nothing. */
const leastLogBytes = 1000;

/** Returns to how many bytes logs must be cut; Infinity if they fit. Estimates that a part packs as well as the whole. */
function planLogBytes(
  own: readonly FitEntry[],
  results: readonly FitEntry[],
  limits: FitLimits & { readonly packed: (entry: FitEntry) => number },
): number {
  const largest = own.reduce((most, { name, bytes }) => (isLog(name) ? Math.max(most, bytes) : most), 0);
  let logBytes = Math.min(largest, limits.entryBytes);
  const isFitting = (): boolean => {
    let total = spareBytes;
    let wwz = spareBytes;
    for (const entry of [...own, ...results]) {
      const share = isLog(entry.name) && entry.bytes > logBytes ? logBytes / entry.bytes : 1;
      total += entry.bytes * share;
      wwz += limits.packed(entry) * share + entryCost(entry);
    }
    return total <= limits.totalBytes && wwz <= limits.wwzBytes;
  };
  while (!isFitting() && logBytes > leastLogBytes) logBytes = Math.floor(logBytes / 2);
  return logBytes < largest ? logBytes : Infinity;
}

/** Collects what is left out. Files that follow each other for the same reason are one entry, if they are many. */
class LeftOutList {
  readonly #items: LeftOut[] = [];

  add(entries: readonly FitEntry[], limit: string): void {
    const [first] = entries;
    if (first === undefined) return;
    const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0);
    if (entries.length > 10) {
      this.#items.push({ file: first.name, bytes, more: entries.length - 1, limit });
      return;
    }
    for (const entry of entries) this.#items.push({ file: entry.name, bytes: entry.bytes, limit });
  }

  addPart(file: string, bytes: number, limit: string): void {
    this.#items.push({ file, bytes, isPart: true, limit });
  }

  list(): readonly LeftOut[] {
    return shortenLeftOut(this.#items);
  }
}

/** Returns at most as many entries as a record has. The last one counts the others. */
export function shortenLeftOut(items: readonly LeftOut[]): readonly LeftOut[] {
  const rest = items.slice(maxLeftOut - 1);
  const [first] = rest;
  if (first === undefined || rest.length === 1) return items;
  const bytes = rest.reduce((sum, item) => sum + item.bytes, 0);
  const more = rest.reduce((sum, item) => sum + 1 + (item.more ?? 0), -1);
  return [...items.slice(0, maxLeftOut - 1), { file: first.file, bytes, more, limit: first.limit }];
}
