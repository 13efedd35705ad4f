/** The Unix socket of a lock. It carries no data: if a connection succeeds, the owner of the lock is alive. */
import { open, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { basename, dirname } from 'node:path';

export interface LockSocket {
  readonly close: () => Promise<void>;
}

/**
 * Listens at `path`. When the process ends, even by SIGKILL, the kernel refuses connections. Returns undefined if the
 * file system does not support sockets.
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

/**
 * Reports whether a process listens at `path`. The kernel accepts the connection even if the process is stopped or
 * busy.
 */
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

/**
 * Returns a short path to the same file: the address of a socket is limited to 107 bytes, and a folder may have a
 * longer path.
 */
const shortPath = (folder: number, path: string): string => `/proc/self/fd/${folder}/${basename(path)}`;
