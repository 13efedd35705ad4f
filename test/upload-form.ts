/** Makes uploads for tests of the server: a job's three files as bytes, as a form, or as files for curl. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { valueOf } from '../model/result.js';
import { writeWwz } from '../wwz/write.js';

export interface JobBytes {
  readonly job: string;
  readonly wwz: Buffer;
  readonly tsv: string | Buffer;
  readonly json: string | Buffer;
}

export const commit = '09ab09ab3f6e1c52d8a4b7e90c1d2e3f40516273';

/** Returns a TSV with the six columns, one row for each task. */
export const tsvOf = (...rows: readonly (readonly [status: number, task: string])[]): string =>
  rows.map(([status, task]) => `${status}\t0.5\t${task}\ttest/soil.sh\t${task}\t-\n`).join('');

export async function smallWwz(text = '<title>a job</title>'): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'soil-wwz-'));
  try {
    const path = join(folder, 'job.wwz');
    valueOf(await writeWwz(path, [{ kind: 'bytes', name: 'index.html', bytes: Buffer.from(text) }]));
    return await readFile(path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Makes a GitHub job like Soil's shell and Python worker: every value a string or null, no schema. */
export async function shellJob(
  more: Readonly<Record<string, unknown>> = {},
  tsv?: string,
): Promise<JobBytes> {
  const json = {
    'job-name': 'dev-minimal',
    'commit-hash': commit,
    'commit-date': '2026-01-13 06:58:12 -0500',
    'commit-line': '[translation] Größe <b>日本</b>',
    'image-pull-time': 'real 12.34\nuser 0.10\nsys 0.20',
    'task-run-start-time': '1768305600',
    'task-deploy-start-time': '1768305660',
    JOB_URL: 'https://ci.example/oils/actions/runs/98765',
    GITHUB_RUN_NUMBER: '1234',
    GITHUB_RUN_ID: '98765',
    GITHUB_PR_NUMBER: null,
    ...more,
  };
  const text = `${JSON.stringify(json, null, 2)}\n`;
  const job = typeof more['job-name'] === 'string' ? more['job-name'] : 'dev-minimal';
  return { job, wwz: await smallWwz(), tsv: tsv ?? tsvOf([0, 'os-info'], [0, 'unit']), json: text };
}

/** Returns the form of `POST /results`: wwz, tsv, json, in that order. */
export function formOf({ job, wwz, tsv, json }: JobBytes): FormData {
  const form = new FormData();
  form.append('wwz', new Blob([new Uint8Array(wwz)]), `${job}.wwz`);
  form.append('tsv', new Blob([bytesOf(tsv)]), `${job}.tsv`);
  form.append('json', new Blob([bytesOf(json)]), `${job}.json`);
  return form;
}

const bytesOf = (content: string | Buffer): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(content));

/** Writes the files as a worker does: `JOB.wwz`, `JOB.tsv`, `JOB.json`. */
export async function writeJobFiles(folder: string, { job, wwz, tsv, json }: JobBytes): Promise<void> {
  await writeFile(join(folder, `${job}.wwz`), wwz);
  await writeFile(join(folder, `${job}.tsv`), tsv);
  await writeFile(join(folder, `${job}.json`), json);
}
