/** A finished job's wwz: its index, rows, logs, results and the page of its image, written as one zip. */
import { wwzEarlierLog, wwzImagePage, wwzIndex, wwzLog, wwzOwnFolder } from '../../model/path.js';
import type { JobRecord } from '../../model/record.js';
import type { Result } from '../../model/result.js';
import { formatRows, type TaskRow } from '../../model/row.js';
import { wwzAssets } from '../../templates/asset.js';
import { writeWwz, type WrittenWwz, type WwzSource } from '../../wwz/write.js';
import { isRegularFile, type JobFolder } from './job-folder.js';
import type { ImageMethod } from './progress.js';
import { isReadable, type ResultFile } from './result-files.js';
import { renderImagePage, renderWwzIndex } from './wwz-index.js';

export interface ArchiveParts {
  readonly record: JobRecord;
  readonly rows: readonly TaskRow[];
  readonly folder: JobFolder;
  readonly results: readonly ResultFile[];
  /** false where the disk has no room for them */
  readonly hasLogs: boolean;
  readonly way?: ImageMethod;
}

/** What `tasks-from` printed, and what it complained about. */
const wwzTaskList = `${wwzOwnFolder}/task-list.txt`;
const wwzTaskListLog = `${wwzOwnFolder}/task-list-log.txt`;
/** What a build of the image printed. */
const wwzBuildLog = `${wwzOwnFolder}/image-build.txt`;
const wwzRows = `${wwzOwnFolder}/tasks.tsv`;

export async function writeJobArchive(parts: ArchiveParts): Promise<Result<WrittenWwz>> {
  const { record, rows, folder, hasLogs, results, way } = parts;
  const buildLog = hasLogs && (await isReadable(folder.buildLog)) ? wwzBuildLog : undefined;
  const text = (name: string, content: string): WwzSource => ({
    kind: 'bytes',
    name,
    bytes: Buffer.from(content),
  });
  const sources: WwzSource[] = [
    text(
      wwzIndex,
      renderWwzIndex({
        ...{ record, rows, hasImagePage: record.image !== undefined },
        ...(buildLog !== undefined && { buildLog }),
      }),
    ),
    text(wwzRows, formatRows(rows)),
    ...wwzAssets().map(({ path, bytes }) => ({ kind: 'bytes' as const, name: path, bytes })),
  ];
  if (record.image !== undefined) {
    sources.push(
      text(
        wwzImagePage,
        renderImagePage({
          ...{ image: record.image, pullSeconds: record.imagePullSeconds, job: record.job },
          ...(way !== undefined && { way }),
          ...(buildLog !== undefined && { buildLog }),
        }),
      ),
    );
  }
  if (buildLog !== undefined) sources.push({ kind: 'file', name: buildLog, path: folder.buildLog });
  if (hasLogs) sources.push(...(await logsOf(rows, folder)));
  sources.push(...results.map((file) => ({ kind: 'file' as const, ...file })));
  return writeWwz(folder.files.wwz, sources);
}

async function logsOf(rows: readonly TaskRow[], folder: JobFolder): Promise<WwzSource[]> {
  const logs: { readonly name: string; readonly path: string }[] = [];
  const listLog = folder.attemptLog(0, 1);
  if (await isReadable(listLog)) {
    logs.push({ name: wwzTaskList, path: folder.taskList }, { name: wwzTaskListLog, path: listLog });
  }
  const lastLogs = new Set(rows.map((row) => wwzLog(row.task)));
  for (const [at, row] of rows.entries()) {
    for (let attempt = 1; attempt <= row.tries; attempt++) {
      const name = attempt === row.tries ? wwzLog(row.task) : wwzEarlierLog(row.task, attempt);
      // The earlier logs of a task `a.txt` would make a folder of what is the log of a task `a`.
      if (attempt < row.tries && lastLogs.has(name.slice(0, name.lastIndexOf('/')))) continue;
      logs.push({ name, path: folder.attemptLog(at + 1, attempt) });
    }
  }
  const readable = await Promise.all(
    logs.map(async ({ path }) => (await isRegularFile(path)) && isReadable(path)),
  );
  return logs.filter((_, i) => readable[i]).map((log) => ({ kind: 'file', ...log }));
}
