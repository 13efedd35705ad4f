/** Writes the wwz of a finished job: a zip of its index page, rows, logs, results and image page. */
import { stat } from 'node:fs/promises';
import {
  wwzEarlierLog,
  wwzImagePage,
  wwzIndex,
  wwzLog,
  wwzLogIndex,
  wwzSoilFolder,
} from '../../model/path.js';
import type { JobRecord } from '../../model/record.js';
import type { Result } from '../../model/result.js';
import { formatRows, type TaskRow } from '../../model/row.js';
import { wwzAssets } from '../../templates/asset.js';
import { writeWwz, type WrittenWwz, type WwzSource } from '../../wwz/write.js';
import { blockBytes } from '../output/line-index.js';
import { logIndexPath } from '../output/task-log.js';
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
export const wwzBuildLog = `${wwzSoilFolder}/image-build.txt`;
export const wwzRows = `${wwzSoilFolder}/tasks.tsv`;

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
  if (hasLogs) {
    const build = buildLog === undefined ? [] : [{ name: buildLog, path: folder.buildLog }];
    const logs = [...build, ...(await listLogs(rows, folder))];
    sources.push(
      ...[...logs, ...(await listIndexes(logs))].map((file) => ({ kind: 'file' as const, ...file })),
    );
  }
  sources.push(...results.map((file) => ({ kind: 'opened' as const, ...file })));
  return writeWwz(folder.files.wwz, sources);
}

/** A file, and its name in the wwz. */
interface NamedFile {
  readonly name: string;
  readonly path: string;
}

async function listLogs(rows: readonly TaskRow[], folder: JobFolder): Promise<readonly NamedFile[]> {
  const logs: NamedFile[] = [];
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
  return logs.filter((_, i) => readable[i]);
}

/** Beyond this many logs, a short log has no line index, since a wwz has at most 65,534 entries. */
const maxIndexedLogs = 20_000;

async function listIndexes(logs: readonly NamedFile[]): Promise<readonly NamedFile[]> {
  const names = new Set(logs.map(({ name }) => wwzLogIndex(name)));
  const indexes = await Promise.all(
    logs.map(async ({ name, path }) => {
      const file = { name: wwzLogIndex(name), path: logIndexPath(path) };
      // The indexes of earlier tries of a task `a.txt.json` would need a folder with the name of an index.
      if (names.has(file.name.slice(0, file.name.lastIndexOf('/')))) return [];
      const { size } = await stat(path);
      if (logs.length > maxIndexedLogs && size <= blockBytes) return [];
      return (await isRegularFile(file.path)) ? [file] : [];
    }),
  );
  return indexes.flat();
}
