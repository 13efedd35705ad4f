/** The records of a site on disk: staged files are moved into place, JSON last; nothing there is ever overwritten. */
import { createReadStream } from 'node:fs';
import { access, mkdir, open, rename, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { jobFile, type RecordSuffix } from '../model/path.js';
import { quote } from '../model/result.js';
import type { JobAddress } from '../model/run.js';
import { answer, refuseWith, type Answered } from './refusal.js';

/** Paths of staged files. */
export type StagedFiles = Readonly<Partial<Record<RecordSuffix, string>>> & { readonly json: string };

/** Readers look for the JSON: it comes last, so that whoever sees it finds the others. */
const order: readonly RecordSuffix[] = ['wwz', 'tsv', 'json'];

/**
 * Stores a job's files; resolves when they are on disk for good. The same bytes once more are `known`; other bytes for
 * a job that is there are 409, and nothing changes.
 */
export async function storeJob(
  site: string,
  address: JobAddress,
  staged: StagedFiles,
): Promise<Answered<'stored' | 'known'>> {
  const pathOf = (suffix: RecordSuffix) => join(site, jobFile(address, suffix));
  if (await exists(pathOf('json'))) return compareJob(address, staged, pathOf);
  for (const suffix of order) {
    const path = staged[suffix];
    if (path !== undefined) await syncFile(path);
  }
  const folder = dirname(pathOf('json'));
  await makeFolder(folder, site);
  // Files without their JSON are the rest of an upload that was cut off and never acknowledged.
  for (const suffix of order) {
    const path = staged[suffix];
    if (suffix === 'json') await syncFile(folder);
    if (path !== undefined) await rename(path, pathOf(suffix));
  }
  await syncFile(folder);
  return answer('stored');
}

async function compareJob(
  address: JobAddress,
  staged: StagedFiles,
  pathOf: (suffix: RecordSuffix) => string,
): Promise<Answered<'known'>> {
  for (const suffix of order) {
    const path = staged[suffix];
    if (path === undefined || (await isSameFile(path, pathOf(suffix)))) continue;
    const name = jobFile(address, suffix);
    return refuseWith(
      409,
      `cannot store ${quote(name, 300)}: it is there already with other content; a re-run is a new attempt`,
    );
  }
  return answer('known');
}

/** Moves a staged file to its place, as storeJob() does with a job's. */
export async function storeFile(
  site: string,
  path: string,
  staged: string,
): Promise<Answered<'stored' | 'known'>> {
  const target = join(site, path);
  if (await exists(target)) {
    return (await isSameFile(staged, target))
      ? answer('known')
      : refuseWith(409, `cannot store ${quote(path, 300)}: it is there already with other content`);
  }
  await syncFile(staged);
  await makeFolder(dirname(target), site);
  await rename(staged, target);
  await syncFile(dirname(target));
  return answer('stored');
}

/** A new folder is on disk for good once its parent is synced, up to the site's own. */
async function makeFolder(folder: string, site: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true });
  if (first === undefined) return;
  for (let parent = dirname(folder); parent.length >= site.length; parent = dirname(parent))
    await syncFile(parent);
}

async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function isSameFile(a: string, b: string): Promise<boolean> {
  const [left, right] = await Promise.all([stat(a), stat(b).catch(() => undefined)]);
  if (left.size !== right?.size) return false;
  const options = { highWaterMark: 1 << 20 };
  const other = createReadStream(b, options)[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  for await (const chunk of createReadStream(a, options) as AsyncIterable<Buffer>) {
    const next: IteratorResult<Buffer, unknown> = await other.next();
    if (next.done === true || !chunk.equals(next.value)) {
      await other.return?.();
      return false;
    }
  }
  return true;
}
