/** Makes a copy of a job's files that satisfies the limits of a server. The job's own files stay as they are. */
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatLeftOut, type LeftOut } from '../../model/left-out.js';
import { wwzImagePage, wwzIndex, wwzLogIndex } from '../../model/path.js';
import { formatRecord, type JobRecord } from '../../model/record.js';
import { parseRecord } from '../../model/record-reader.js';
import { accept, type Result } from '../../model/result.js';
import { formatRows, parseRows, type TaskRow } from '../../model/row.js';
import type { UploadLimits } from '../../model/upload-limits.js';
import { entriesOf } from '../../wwz/directory.js';
import { defaultWwzLimits } from '../../wwz/limits.js';
import { openWwz } from '../../wwz/open.js';
import { unpackWwz } from '../../wwz/unpack.js';
import { writeWwz, type WwzSource } from '../../wwz/write.js';
import { isLog, planFit, shortenLeftOut, type FitEntry, type FitPlan } from '../record/fit-plan.js';
import { wwzBuildLog, wwzRows } from '../record/job-archive.js';
import type { JobFiles } from '../state/job-folder.js';
import { renderWwzIndex } from '../record/wwz-index.js';
import { dropLinks } from '../record/result-links.js';
import { cutLog } from './cut-log.js';
import { shortenRecord, shortenRows } from './shortened-record.js';

/** A copy that satisfies the limits, and what it lacks, one sentence each. */
export interface FittedJob {
  readonly files: JobFiles;
  readonly notices: readonly string[];
  /** removes the copy */
  readonly remove: () => Promise<void>;
}

export interface FitOptions {
  readonly limits: UploadLimits;
  /** whose limits these are, as in "the server" */
  readonly who: string;
  /** a result to leave out, or a log to cut to so many bytes, whatever the limits say */
  readonly refused?: { readonly entry: string; readonly maxBytes?: number };
}

/** The job's own wwz may be larger than any server's limits. */
const noLimits = {
  ...defaultWwzLimits,
  ...{ directoryBytes: Infinity, entryBytes: Infinity, totalBytes: Infinity, ratio: Infinity },
};
/** The form around the files. */
const formBytes = 2000;
/** A plan estimates how much a part of a log packs, so that a wwz can turn out too large. */
const maxPlans = 10;

/** Returns a copy that satisfies the limits, or undefined if the job's own files do. Fails if a file cannot be read. */
export async function fitJob(files: JobFiles, options: FitOptions): Promise<Result<FittedJob | undefined>> {
  const read = await readJob(files);
  if (!read.ok) return read;
  const { entries } = read.value;
  const sizes = await sizesOf(files);
  const budget = wwzBudget(options.limits, sizes);
  const plan = withRefused(
    planFit(entries, { ...options.limits, wwzBytes: budget }, options.who),
    entries,
    options,
  );
  const isFitting =
    plan.leftOut.length === 0 &&
    plan.store.size === 0 &&
    sizes.wwz <= budget &&
    sizes.json <= options.limits.jsonBytes &&
    sizes.tsv <= options.limits.tsvBytes;
  return isFitting ? accept(undefined) : writeFitted(files, read.value, options);
}

interface ReadJob {
  readonly record: JobRecord;
  readonly rows: readonly TaskRow[];
  readonly entries: readonly FitEntry[];
}

async function readJob(files: JobFiles): Promise<Result<ReadJob>> {
  const record = parseRecord(await readFile(files.json, 'utf8'));
  if (!record.ok) return record;
  const rows = parseRows(await readFile(files.tsv, 'utf8'));
  if (!rows.ok) return rows;
  const wwz = await openWwz(files.wwz, noLimits);
  if (!wwz.ok) return wwz;
  const entries = [...entriesOf(wwz.value.directory)].map(({ name, size, compressedSize }) => ({
    ...{ name, bytes: size, packedBytes: compressedSize },
  }));
  await wwz.value.close();
  return accept({ record: record.value, rows: rows.value.filter((row) => row.kind === 'row'), entries });
}

interface Sizes {
  readonly wwz: number;
  readonly tsv: number;
  readonly json: number;
}

async function sizesOf(files: JobFiles): Promise<Sizes> {
  const [wwz, tsv, json] = await Promise.all(
    [files.wwz, files.tsv, files.json].map(async (file) => (await stat(file)).size),
  );
  return { wwz: wwz ?? 0, tsv: tsv ?? 0, json: json ?? 0 };
}

const wwzBudget = ({ wwzBytes, bodyBytes }: UploadLimits, { tsv, json }: Omit<Sizes, 'wwz'>): number =>
  Math.min(wwzBytes, bodyBytes - tsv - json - formBytes);

/** Adds the file that a server refused by name to what is left out or cut. */
function withRefused(plan: FitPlan, entries: readonly FitEntry[], { refused, who }: FitOptions): FitPlan {
  if (refused === undefined) return plan;
  const isNamed = ({ name }: FitEntry): boolean =>
    refused.entry.endsWith('…') ? name.startsWith(refused.entry.slice(0, -1)) : name === refused.entry;
  const entry = entries.find(isNamed);
  if (entry === undefined || plan.drop.has(entry.name)) return plan;
  const { name, bytes } = entry;
  const limit = `${who} refused this file`;
  if (!isLog(name)) {
    return {
      ...plan,
      drop: new Set([...plan.drop, name]),
      leftOut: [...plan.leftOut, { file: name, bytes, limit }],
    };
  }
  const logBytes = Math.min(plan.logBytes, refused.maxBytes ?? Math.floor(bytes / 2));
  const part: LeftOut = { file: name, bytes: bytes - logBytes, isPart: true, limit };
  return { ...plan, logBytes, leftOut: [...plan.leftOut, part] };
}

async function writeFitted(files: JobFiles, job: ReadJob, options: FitOptions): Promise<Result<FittedJob>> {
  const folder = await mkdtemp(join(tmpdir(), 'soil-publish-'));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    const unpacked = join(folder, 'wwz');
    const contents = await unpackWwz(files.wwz, unpacked, { limits: noLimits });
    if (!contents.ok) {
      await remove();
      return contents;
    }
    const copy: JobFiles = {
      json: join(folder, 'json'),
      tsv: join(folder, 'tsv'),
      wwz: join(folder, 'copy.wwz'),
    };
    let wwzBytes = Infinity;
    for (let tries = 1; ; tries++) {
      const written = await writeCopy(copy, job, { ...options, unpacked, wwzBytes });
      if (!written.ok) {
        await remove();
        return written;
      }
      const sizes = await sizesOf(copy);
      const budget = wwzBudget(options.limits, sizes);
      if (sizes.wwz <= budget || tries === maxPlans) {
        return accept({ files: copy, notices: written.value.map(formatLeftOut), remove });
      }
      wwzBytes = Math.min(wwzBytes, budget) * Math.min(0.9, budget / sizes.wwz);
    }
  } catch (error) {
    await remove();
    throw error;
  }
}

/** Writes the three files of the copy. Returns what they lack. */
async function writeCopy(
  copy: JobFiles,
  { record, rows, entries }: ReadJob,
  options: FitOptions & { readonly unpacked: string; readonly wwzBytes: number },
): Promise<Result<readonly LeftOut[]>> {
  const { limits, unpacked, who } = options;
  const text = formatRows(rows);
  const sizes = { tsv: Buffer.byteLength(text), json: Buffer.byteLength(formatRecord(record)) };
  const wwzBytes = Math.min(options.wwzBytes, wwzBudget(limits, sizes));
  const plan = withRefused(planFit(entries, { ...limits, wwzBytes }, who), entries, options);
  const isCut = ({ name, bytes }: FitEntry): boolean => isLog(name) && bytes > plan.logBytes;
  // The index of a log does not match what is left of it.
  const oldIndexes = new Set(entries.filter(isCut).map(({ name }) => wwzLogIndex(name)));
  const kept = entries.filter(({ name }) => !plan.drop.has(name) && !oldIndexes.has(name));
  const leftOut = shortenLeftOut([...(record.leftOut ?? []), ...plan.leftOut]);
  const names = kept.map(({ name }) => name);
  const newRows = shortenRows(dropLinks(rows, names), limits.tsvBytes);
  const newRecord = shortenRecord({ ...record, ...(leftOut.length > 0 && { leftOut }) }, limits.jsonBytes);
  const hasFile = (name: string): boolean => names.includes(name);
  const index = renderWwzIndex({
    ...{ record: newRecord, rows: newRows, hasImagePage: hasFile(wwzImagePage) },
    ...(hasFile(wwzBuildLog) && { buildLog: wwzBuildLog }),
  });
  const replaced = new Map([
    [wwzIndex, Buffer.from(index)],
    [wwzRows, Buffer.from(formatRows(newRows))],
  ]);
  const sources: WwzSource[] = [];
  for (const entry of kept) {
    const { name } = entry;
    const path = join(unpacked, name);
    const isStored = plan.store.has(name);
    const own = replaced.get(name);
    if (own !== undefined) sources.push({ kind: 'bytes', name, bytes: own });
    else if (isCut(entry)) {
      const cut = `${unpacked}-cut-${sources.length}`;
      await cutLog(path, cut, { maxBytes: plan.logBytes, who });
      sources.push({ kind: 'file', name, path: cut, isStored });
    } else sources.push({ kind: 'file', name, path, isStored });
  }
  const written = await writeWwz(copy.wwz, sources);
  if (!written.ok) return written;
  await writeFile(copy.tsv, formatRows(newRows));
  await writeFile(copy.json, formatRecord(newRecord));
  return accept(plan.leftOut);
}
