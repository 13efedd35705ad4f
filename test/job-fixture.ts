/** Runs one job of a small repository with the built soil-worker; returns exit status, record, rows and logs. */
import { spawn } from 'node:child_process';
import { readFile, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseRecord } from '../model/record-reader.js';
import type { JobRecord } from '../model/record.js';
import { valueOf } from '../model/result.js';
import { parseRows, type TaskRow } from '../model/row.js';
import { stateKey } from '../worker/state/state-key.js';
import { must, soilWorker } from './command.js';
import type { TestEngine } from './engines.js';
import { makeRepo } from './git-repo.js';
import { waitUntil } from './wait-for.js';

export interface JobRun {
  readonly status: number | null;
  readonly output: string;
  readonly record: JobRecord;
  readonly rows: readonly TaskRow[];
  readonly repo: string;
  readonly out: string;
  /** `task status outcome`, in order */
  readonly summary: readonly string[];
  readonly log: (task: string) => Promise<string>;
}

export interface StartedJob {
  readonly repo: string;
  readonly out: string;
  /** sends a signal to the worker, like a user or a CI host */
  readonly signal: (signal: NodeJS.Signals) => void;
  readonly ended: Promise<JobRun>;
  /** the output so far */
  readonly output: () => string;
}

export interface JobOptions {
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutSeconds?: number;
  /** run as another user, who then owns the repository */
  readonly as?: { readonly uid: number; readonly gid: number };
  /** path of the worker that this user can read */
  readonly worker?: string;
}

/** Returns a soil.yml with one job, `job`. `tasks` is the YAML below `tasks:`; `more` has further keys of the job. */
export function jobYaml(engine: TestEngine, tasks: string, more = ''): string {
  const indent = (text: string, by: number) =>
    text.trim() === '' ? '' : `${text.trim().replaceAll(/^/gm, ' '.repeat(by))}\n`;
  const image =
    engine.engine === undefined
      ? `image: ${engine.image}`
      : `image: ${engine.image}\npull: never\nnetwork: none`;
  const list = tasks === '' ? '' : `    tasks:\n${indent(tasks, 6)}`;
  return `project: test\njobs:\n  job:\n${indent(image, 4)}${indent(more, 4)}${list}`;
}

export async function startJob(
  engine: TestEngine,
  yaml: string,
  options: JobOptions = {},
): Promise<StartedJob> {
  const repo = await makeRepo({ 'soil.yml': yaml, ...options.files });
  const out = join(repo, '_soil', 'job');
  const engineOptions = engine.engine === undefined ? [] : ['--engine', engine.engine];
  if (options.as !== undefined) {
    await must('chown', ['-R', `${options.as.uid}:${options.as.gid}`, repo]);
  }
  const child = spawn(
    process.execPath,
    [options.worker ?? soilWorker, 'run', 'job', ...engineOptions, ...(options.args ?? [])],
    {
      cwd: repo,
      env: { ...process.env, GITHUB_ACTIONS: '', ...engine.environment, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: (options.timeoutSeconds ?? 120) * 1000,
      killSignal: 'SIGKILL',
      ...options.as,
    },
  );
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const closed = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  const collect = async (): Promise<JobRun> => {
    const status = await closed;
    const json = await readFile(join(out, 'job.json'), 'utf8').catch(() => undefined);
    if (json === undefined)
      throw new Error(`the job left no record; exit status ${String(status)}\n${output}`);
    const rows = valueOf(parseRows(await readFile(join(out, 'job.tsv'), 'utf8'))).map((row) => {
      if (row.kind === 'bad') throw new Error(`${row.reason}: ${row.text}`);
      return row;
    });
    return {
      ...{ status, output, repo, out, rows },
      record: valueOf(parseRecord(json)),
      summary: rows.map((row) => `${row.task} ${row.status} ${row.outcome}`),
      log: (task) => readFile(join(out, 'logs', `${task}.txt`), 'utf8'),
    };
  };
  return {
    repo,
    out,
    output: () => output,
    signal: (signal) => child.kill(signal),
    ended: collect(),
  };
}

/** Runs a job to its end; removes its repository after the test. */
export async function runJobYaml(
  t: { after: (fn: () => unknown) => void },
  engine: TestEngine,
  yaml: string,
  options: JobOptions = {},
): Promise<JobRun> {
  const started = await startJob(engine, yaml, options);
  t.after(() => rm(started.repo, { recursive: true, force: true }));
  return started.ended;
}

/** Returns the path of a file of a job that runs: what is in `_soil` is written when it has ended. */
export async function liveFile({ repo }: StartedJob, name: string): Promise<string> {
  const out = join(await realpath(repo), '_soil');
  return join(process.env.XDG_STATE_HOME ?? '', 'soil/jobs', stateKey(out), 'job', name);
}

/** Waits until a job has printed something, and until `also` is true as well. */
export function waitForOutput(
  job: StartedJob,
  pattern: RegExp,
  also: () => boolean | Promise<boolean> = () => true,
): Promise<void> {
  const what = `the job prints ${pattern.source}`;
  return waitUntil(what, async () => pattern.test(job.output()) && (await also()));
}
