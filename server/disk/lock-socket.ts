/** A socket beside a lock file. It carries no data: a process that can connect to it knows that the owner is alive. */
import { open, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { basename, dirname } from 'node:path';

export interface LockSocket {
  readonly close: () => Promise<void>;
}

/**
 * Listens at `path` until the socket is closed or the process ends; the kernel then refuses connections, even after
 * SIGKILL. Returns undefined on a file system without sockets.
 */
export async function openLockSocket(path: string): Promise<LockSocket | undefined> {
  const server = createServer((socket) => socket.destroy());
  const folder = await open(dirname(path), 'r');
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(shortPath(folder.fd, path), resolve);
    });
  } catch {
    await folder.close();
    return undefined;
  }
  server.unref();
  const close = async (): Promise<void> => {
    await new Promise<void>((resolve) => {
      server.close(() => {
        resolve();
      });
    });
    await folder.close();
    await rm(path, { force: true });
  };
  return { close };
}

/** Reports whether a process listens at `path`. One that is stopped or busy does, too. */
export async function isListening(path: string): Promise<boolean> {
  const folder = await open(dirname(path), 'r');
  try {
    return await new Promise<boolean>((resolve) => {
      const socket = connect(shortPath(folder.fd, path));
      socket.once('connect', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', ({ code = '' }: NodeJS.ErrnoException) => {
        resolve(!['ECONNREFUSED', 'ENOENT', 'ENOTSOCK'].includes(code));
      });
    });
  } finally {
    await folder.close();
  }
}

/** Returns a path that fits: the address of a socket is limited to 107 bytes, the path of a folder to more. */
const shortPath = (folder: number, path: string): string => `/proc/self/fd/${folder}/${basename(path)}`;
