/** A socket beside a lock file, on which nobody talks: whoever can connect to it knows that its owner is alive. */
import { open, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { basename, dirname } from 'node:path';

export interface LockSocket {
  readonly close: () => Promise<void>;
}

/**
 * Listens at `path`, until it is closed or the process is gone, however it ended: the kernel knows. Undefined on a file
 * system that has no sockets.
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

/** Whether a process listens there; one that is stopped, or too busy to answer, does. */
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

/** A socket's address has room for 107 bytes, a folder's path for more. */
const shortPath = (folder: number, path: string): string => `/proc/self/fd/${folder}/${basename(path)}`;
