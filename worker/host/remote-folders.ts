/** Remembers which folders this worker made on other machines, until it knows that they are removed. */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface RemoteFolder {
  /** a random word in its name */
  readonly name: string;
  /** a random word in the environment of its processes */
  readonly cookie: string;
}

/** So that the list that goes over a connection stays short. */
const maxFolders = 100;

export class RemoteFolders {
  readonly #folder: string;

  /** `state` is the worker's own folder. */
  constructor(state: string, destination: string) {
    const key = createHash('sha256').update(destination).digest('hex').slice(0, 32);
    this.#folder = join(state, 'ssh', key);
  }

  /** Returns what earlier calls left, except the folders of jobs that still run. */
  async list(): Promise<readonly RemoteFolder[]> {
    const names = await readdir(this.#folder).catch(() => []);
    const found: RemoteFolder[] = [];
    for (const name of names.filter((one) => /^[0-9a-f]{32}$/.test(one)).slice(0, maxFolders)) {
      const text = await readFile(join(this.#folder, name), 'utf8').catch(() => '');
      const [, cookie = '', pid = ''] = /^([0-9a-f]{32}) (\d{1,10})\n$/.exec(text) ?? [];
      if (cookie !== '' && !isRunning(Number(pid))) found.push({ name, cookie });
    }
    return found;
  }

  async add({ name, cookie }: RemoteFolder): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    await writeFile(join(this.#folder, name), `${cookie} ${process.pid}\n`, { mode: 0o600 });
  }

  async remove(name: string): Promise<void> {
    await rm(join(this.#folder, name), { force: true });
  }
}

function isRunning(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
