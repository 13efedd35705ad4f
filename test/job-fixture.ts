/** Runs one job of a small repo with the built soil-worker: soil.yml text in; exit status, record, rows and logs out. */
import { spawn } from 'node:child_process';
import { access, chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseRecord } from '../model/record-reader.js';
import type { JobRecord } from '../model/record.js';
import { valueOf } from '../model/result.js';
import { parseRows, type TaskRow } from '../model/row.js';
import { must, soilWorker } from './command.js';
import type { TestEngine } from './engines.js';

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
  /** a signal for the worker, as a user or a CI host sends it */
  readonly signal: (signal: NodeJS.Signals) => void;
  readonly ended: Promise<JobRun>;
  /** what it has printed so far */
  readonly output: () => string;
}

export interface JobOptions {
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutSeconds?: number;
  /** another user than this process's, to whom the repo then belongs */
  readonly as?: { readonly uid: number; readonly gid: number };
  /** where that user finds the worker */
  readonly worker?: string;
}

/** A new git repo with the given files, one commit. */
export async function makeRepo(files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  const repo = await mkdtemp(join(tmpdir(), 'soil-repo-'));
  await chmod(repo, 0o755); // as a clone has it: another user of a container must be able to enter
  const git = (...args: string[]) => must('git', ['-C', repo, ...args]);
  await git('init', '-q', '-b', 'main');
  await git('config', 'user.name', 'Test');
  await git('config', 'user.email', 'test@example.org');
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(repo, name)), { recursive: true });
    await writeFile(join(repo, name), text, { mode: 0o755 });
  }
  await git('add', '--all');
  await git('commit', '-q', '--allow-empty', '-m', 'A change: größer');
  return repo;
}

/** `tasks` is the YAML below `tasks:`; the job is called `job`. `more` are further keys of the job. */
export function jobYaml(engine: TestEngine, tasks: string, more = ''): string {
  const indent = (text: string, by: number) =>
    text.trim() === '' ? '' : `${text.trim().replaceAll(/^/gm, ' '.repeat(by))}\n`;
  const image =
    engine.image === 'none' ? 'image: none' : `image: ${engine.image}\npull: never\nnetwork: none`;
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
  const asked = engine.engine === undefined ? [] : ['--engine', engine.engine];
  if (options.as !== undefined) {
    await must('chown', ['-R', `${options.as.uid}:${options.as.gid}`, repo]);
  }
  const child = spawn(
    process.execPath,
    [options.worker ?? soilWorker, 'run', 'job', ...asked, ...(options.args ?? [])],
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
      throw new Error(`the job left no record; it ended with ${String(status)}\n${output}`);
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

/** Runs a job to its end and removes its repo when the test is over. */
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

/** Waits until a job has printed something, and until `also` holds where it is given, at most 60 s. */
export async function waitForOutput(
  job: StartedJob,
  pattern: RegExp,
  also: () => boolean | Promise<boolean> = () => true,
): Promise<void> {
  for (const deadline = Date.now() + 60_000; !(pattern.test(job.output()) && (await also()));) {
    if (Date.now() > deadline) throw new Error(`no ${pattern.source} within 60 s\n${job.output()}`);
    await setTimeout(20);
  }
}

/** Waits until a file is there, at most 60 s. */
export async function waitForFile(path: string): Promise<void> {
  for (const deadline = Date.now() + 60_000; ;) {
    const there = await access(path).then(
      () => true,
      () => false,
    );
    if (there) return;
    if (Date.now() > deadline) throw new Error(`${path} did not appear within 60 s`);
    await setTimeout(20);
  }
}

/** True while a process whose command line holds the word lives on this machine, in whatever container. */
export async function isProcessRunning(word: string): Promise<boolean> {
  for (const pid of (await readdir('/proc')).filter((n) => /^\d+$/.test(n))) {
    const line = await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '');
    if (Number(pid) !== process.pid && line.includes(word)) return true;
  }
  return false;
}
