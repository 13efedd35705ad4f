/** Leaves out results that a wwz has no room for, however large its limits are. */
import type { LeftOut } from '../../model/left-out.js';
import type { TaskRow } from '../../model/row.js';
import { compareNames } from '../../wwz/entry-name.js';
import { defaultWwzLimits } from '../../wwz/limits.js';
import { planFit, type FitEntry } from './fit-plan.js';
import type { ResultFile } from './result-files.js';

/** Pages, rows, the logs of the image and of the task list, and more than the files of `web/`. */
const ownFiles = 40;
/** A log and its index. */
const filesOfTry = 2;

/** Returns the results that fit into a wwz beside the files of Soil, in the order of their names, and what does not. */
export async function limitResults(
  files: readonly ResultFile[],
  rows: readonly TaskRow[],
): Promise<{ readonly files: readonly ResultFile[]; readonly leftOut: readonly LeftOut[] }> {
  const tries = rows.reduce((sum, row) => sum + row.tries, 0);
  const room = Math.max(0, defaultWwzLimits.entries - ownFiles - filesOfTry * tries);
  if (files.length <= room) return { files, leftOut: [] };
  const sorted = [...files].sort((a, b) => compareNames(a.name, b.name));
  const entries: FitEntry[] = [];
  for (const [index, file] of sorted.entries()) {
    // Only the sizes of files that are left out are shown.
    const bytes = index < room ? 0 : await sizeOf(file);
    entries.push({ name: file.name, bytes, packedBytes: bytes });
  }
  const none = { entryBytes: Infinity, totalBytes: Infinity, directoryBytes: Infinity, ratio: Infinity };
  const { drop, leftOut } = planFit(entries, { ...none, entries: room, wwzBytes: Infinity }, 'Soil');
  return { files: files.filter(({ name }) => !drop.has(name)), leftOut };
}

/** Returns the size of a file, or 0 if it cannot be opened. */
async function sizeOf(file: ResultFile): Promise<number> {
  const handle = await file.open().catch(() => undefined);
  if (handle === undefined) return 0;
  try {
    return (await handle.stat()).size;
  } finally {
    await handle.close();
  }
}
