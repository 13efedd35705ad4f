/** A finished job's wwz: its index, logs, results and the page of its image, written as one zip. */
import { access } from 'node:fs/promises';
import { wwzEarlierLog, wwzImagePage, wwzIndex, wwzLog } from '../model/path.js';
import type { JobRecord } from '../model/record.js';
import type { Result } from '../model/result.js';
import type { TaskRow } from '../model/row.js';
import { wwzAssets } from '../templates/asset.js';
import { writeWwz, type WwzSource } from '../wwz/write.js';
import type { JobFolder } from './job-folder.js';
import type { ResultFile } from './result-files.js';
import { renderImagePage, renderWwzIndex } from './views/wwz-index.js';

export interface ArchiveParts {
  readonly record: JobRecord;
  readonly rows: readonly TaskRow[];
  readonly folder: JobFolder;
  readonly results: readonly ResultFile[];
}

export async function writeJobArchive(
  parts: ArchiveParts,
): Promise<Result<{ files: number; bytes: number }>> {
  const { record, rows, folder } = parts;
  const index = renderWwzIndex({ record, rows, hasImagePage: record.image !== undefined });
  const sources: WwzSource[] = [
    { kind: 'bytes', name: wwzIndex, bytes: Buffer.from(index) },
    ...wwzAssets().map(({ path, bytes }) => ({ kind: 'bytes' as const, name: path, bytes })),
  ];
  if (record.image !== undefined) {
    const page = renderImagePage({ image: record.image, pullSeconds: record.imagePullSeconds });
    sources.push({ kind: 'bytes', name: wwzImagePage, bytes: Buffer.from(page) });
  }
  for (const [at, row] of rows.entries()) {
    for (let attempt = 1; attempt <= row.tries; attempt++) {
      const name = attempt === row.tries ? wwzLog(row.task) : wwzEarlierLog(row.task, attempt);
      const path = folder.logOf(at + 1, attempt);
      if (await exists(path)) sources.push({ kind: 'file', name, path });
    }
  }
  sources.push(...parts.results.map(({ name, path }) => ({ kind: 'file' as const, name, path })));
  return writeWwz(folder.files.wwz, sources);
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
