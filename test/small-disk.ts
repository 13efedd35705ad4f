/** Makes a site on a small disk: a mount namespace, a limited tmpfs, and the built server in it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { must, soilServer } from './command.js';
import { startServing, type ServedSite } from './soil-server.js';

export interface SmallDisk {
  /** the site's path in the namespace */
  readonly site: string;
  /** the site's path for this process */
  readonly outside: string;
  readonly token: string;
  readonly serve: (prefix?: readonly string[]) => Promise<ServedSite>;
  /** runs a command in the namespace */
  readonly inside: (...command: readonly string[]) => Promise<string>;
  readonly close: () => Promise<void>;
}

/** Mounts a tmpfs with `options` such as `size=4m,nr_inodes=200`. Throws if this process may not make a namespace. */
export async function openSmallDisk(options: string): Promise<SmallDisk> {
  const folder = await mkdtemp(join(tmpdir(), 'soil-disk-'));
  const disk = join(folder, 'disk');
  await mkdir(disk);
  const isRoot = process.getuid?.() === 0;
  // The mount ends with its namespace, and the namespace with this process: nothing is left on the machine.
  const script = `mount -t tmpfs -o ${options} soil-test "$0" && echo mounted && exec cat`;
  const flags = isRoot ? ['--mount'] : ['--mount', '--user', '--map-root-user'];
  const holder = spawn('unshare', [...flags, 'sh', '-c', script, disk], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(holder, 'exit');
  const close = async (): Promise<void> => {
    holder.stdin.end();
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  const first = await Promise.race([once(holder.stdout, 'data'), ended]);
  if (!String(first[0]).startsWith('mounted')) {
    await close();
    throw new Error('cannot mount a tmpfs in a new namespace: this needs root, or user namespaces');
  }
  const pid = String(holder.pid);
  const enter = [
    'nsenter',
    '--target',
    pid,
    '--mount',
    ...(isRoot ? [] : ['--user', '--preserve-credentials']),
  ];
  const inside = (...command: readonly string[]): Promise<string> =>
    must('nsenter', [...enter.slice(1), ...command]);
  const site = join(disk, 'site');
  await inside(process.execPath, soilServer, 'init', '--site', site);
  const created = await inside(
    ...[process.execPath, soilServer, 'token', 'create', '--site', site],
    ...['--id', 'test', '--actions', 'append,event,status'],
  );
  return {
    ...{ site, inside, close },
    outside: join('/proc', pid, 'root', site),
    token: created.trim().split('\n').at(-1) ?? '',
    serve: (prefix = []) =>
      startServing([
        ...enter,
        ...prefix,
        process.execPath,
        soilServer,
        'serve',
        '--site',
        site,
        '--port',
        '0',
      ]),
  };
}
