/** Writes the wwz of a finished job: a zip of its index page, rows, logs, results and image page. */
import { wwzEarlierLog, wwzImagePage, wwzIndex, wwzLog, wwzSoilFolder } from '../../model/path.js';
import type { JobRecord } from '../../model/record.js';
import type { Result } from '../../model/result.js';
import { formatRows, type TaskRow } from '../../model/row.js';
import { wwzAssets } from '../../templates/asset.js';
import { writeWwz, type WrittenWwz, type WwzSource } from '../../wwz/write.js';
import { isRegularFile, type JobFolder } from '../state/job-folder.js';
import type { ImageMethod } from './progress.js';
import { isReadable, type ResultFile } from './result-files.js';
import { renderImagePage, renderWwzIndex } from './wwz-index.js';

export interface ArchiveParts {
  readonly record: JobRecord;
  readonly rows: readonly TaskRow[];
  readonly folder: JobFolder;
  readonly results: readonly ResultFile[];
  /** false when the disk has no space for the logs */
  readonly hasLogs: boolean;
  readonly imageMethod?: ImageMethod;
}

/** The stdout and stderr of `tasks-from`. */
const wwzTaskList = `${wwzSoilFolder}/task-list.txt`;
const wwzTaskListLog = `${wwzSoilFolder}/task-list-log.txt`;
/** The output of the build of the image. */
const wwzBuildLog = `${wwzSoilFolder}/image-build.txt`;
const wwzRows = `${wwzSoilFolder}/tasks.tsv`;

/** Writes the wwz. Fails when a file cannot be read or the disk is full. */
export async function writeJobArchive(parts: ArchiveParts): Promise<Result<WrittenWwz>> {
  const { record, rows, folder, hasLogs, results, imageMethod } = parts;
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
          ...(imageMethod !== undefined && { method: imageMethod }),
          ...(buildLog !== undefined && { buildLog }),
        }),
      ),
    );
  }
  if (buildLog !== undefined) sources.push({ kind: 'file', name: buildLog, path: folder.buildLog });
  if (hasLogs) sources.push(...(await listLogs(rows, folder)));
  sources.push(...results.map((file) => ({ kind: 'file' as const, ...file })));
  return writeWwz(folder.files.wwz, sources);
}

async function listLogs(rows: readonly TaskRow[], folder: JobFolder): Promise<WwzSource[]> {
  const logs: { readonly name: string; readonly path: string }[] = [];
  const listLog = folder.tryLog(0, 1);
  if (await isReadable(listLog)) {
    logs.push({ name: wwzTaskList, path: folder.taskList }, { name: wwzTaskListLog, path: listLog });
  }
  const lastLogs = new Set(rows.map((row) => wwzLog(row.task)));
  for (const [index, row] of rows.entries()) {
    for (let tryNumber = 1; tryNumber <= row.tries; tryNumber++) {
      const name = tryNumber === row.tries ? wwzLog(row.task) : wwzEarlierLog(row.task, tryNumber);
      // The earlier logs of a task `a.txt` would need a folder with the name of the log of a task `a`.
      if (tryNumber < row.tries && lastLogs.has(name.slice(0, name.lastIndexOf('/')))) continue;
      logs.push({ name, path: folder.tryLog(index + 1, tryNumber) });
    }
  }
  const readable = await Promise.all(
    logs.map(async ({ path }) => (await isRegularFile(path)) && isReadable(path)),
  );
  return logs.filter((_, i) => readable[i]).map((log) => ({ kind: 'file', ...log }));
}
