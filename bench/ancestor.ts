/**
 * Runs the index of Soil's shell and Python server, if SOIL_ANCESTOR names a checkout with `soil/web.py`. SOIL_PYTHON2 names
 * its interpreter, by default `python2`.
 */
import { spawn } from 'node:child_process';
import { access, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Missing } from './result.js';

/**
 * Returns the milliseconds that it takes to index all jobs of a host, which that server does after each upload. `site` has
 * `github-jobs/RUN/JOB.json`.
 */
export async function timeAncestorIndex(site: string): Promise<number | Missing> {
  const { SOIL_ANCESTOR: checkout = '', SOIL_PYTHON2: python = 'python2' } = process.env;
  if (checkout === '') return { missing: 'SOIL_ANCESTOR names no checkout of it' };
  const script = join(checkout, 'soil', 'web.py');
  try {
    await access(script);
  } catch {
    return { missing: `SOIL_ANCESTOR has no file ${script}` };
  }
  const names = await readdir(join(site, 'github-jobs'), { recursive: true });
  const jobs = names.filter((name) => /^\d+\/[^/]+\.json$/.test(name)).map((name) => `github-jobs/${name}\n`);
  const run = jobs[0]?.split('/')[1] ?? '1';
  const pages = ['.ancestor-index.html', '.ancestor-run.html'];
  const begin = performance.now();
  const failure = await feed(python, [script, 'github-index', ...pages, run, '4000'], {
    ...{ cwd: site, input: jobs.join('') },
    environment: { ...process.env, PYTHONPATH: checkout },
  });
  return failure === undefined ? performance.now() - begin : { missing: failure };
}

interface FeedOptions {
  readonly cwd: string;
  readonly input: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Runs a program with this input. Returns why it failed, if it did. */
function feed(
  program: string,
  args: readonly string[],
  { cwd, input, environment }: FeedOptions,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd, env: environment, stdio: ['pipe', 'ignore', 'pipe'] });
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-2000)));
    child.on('error', (error) => {
      resolve(`cannot run ${program}: ${error.message}`);
    });
    child.on('close', (status) => {
      const last = errors.trim().split('\n').at(-1) ?? '';
      resolve(status === 0 ? undefined : `${program} ended with status ${String(status)}: ${last}`);
    });
    child.stdin.on('error', () => undefined); // `close` reports it
    child.stdin.end(input);
  });
}
