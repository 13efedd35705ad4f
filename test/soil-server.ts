/** Starts the built soil-server on a new site for a test: a folder in, its URL and a token out. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { must, soilServer } from './command.js';

export interface RunningServer {
  readonly site: string;
  /** ends in a slash */
  readonly url: string;
  readonly token: string;
  /** what it has printed on stderr so far */
  readonly log: () => string;
  /** ends the process by its id, waits for it, and removes the site */
  readonly close: () => Promise<void>;
}

export async function startServer(actions = 'append,event,status'): Promise<RunningServer> {
  const folder = await mkdtemp(join(tmpdir(), 'soil-site-'));
  const site = join(folder, 'site');
  await must(process.execPath, [soilServer, 'init', '--site', site]);
  const created = await must(process.execPath, [
    soilServer,
    ...['token', 'create', '--site', site, '--id', 'test', '--actions', actions],
  ]);
  const token = created.trim().split('\n').at(-1) ?? '';
  const child = spawn(process.execPath, [soilServer, 'serve', '--site', site, '--port', '0'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const ended = once(child, 'exit');
  const url = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).on('line', (line) => {
      const found = / at (http:\S+)$/.exec(line)?.[1];
      if (found !== undefined) resolve(found);
    });
    ended.then(() => {
      reject(new Error(`soil-server ended before it listened\n${log}`));
    }, reject);
  });
  return {
    site,
    url,
    token,
    log: () => log,
    close: async () => {
      child.kill('SIGTERM');
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
