/** Makes named pipes ahead of their use, many with one call of `mkfifo`, since Node cannot make them. */
import { renameSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { failureReason, runProcess } from '../system/run-process.js';

/** The first call makes few pipes, since most jobs have few tasks. */
const batches = { first: 8, next: 64 };
/** When fewer are left, the next batch is made while tasks run. */
const lowMark = 4;
const limitSeconds = 30;

export interface FifoMakerOptions {
  /** a folder that only the worker's user can enter, on the same file system as the pipes' later places */
  readonly folder: string;
  /** for `mkfifo` */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export class FifoMaker {
  readonly #options: FifoMakerOptions;
  readonly #spare: string[] = [];
  #made = 0;
  #making: Promise<void> | undefined;

  constructor(options: FifoMakerOptions) {
    this.#options = options;
  }

  /** Puts a new pipe that every user may open at `path`. Rejects if that fails. */
  async make(path: string): Promise<void> {
    // A failure shows when a pipe is needed and there is none.
    if (this.#spare.length < lowMark) this.#startBatch().catch(() => undefined);
    let spare = this.#spare.shift();
    while (spare === undefined) {
      await this.#startBatch();
      spare = this.#spare.shift();
    }
    // Synchronous, as it takes less than a detour through another thread: a task must not wait for it.
    renameSync(spare, path);
  }

  #startBatch(): Promise<void> {
    this.#making ??= this.#makeBatch().finally(() => (this.#making = undefined));
    return this.#making;
  }

  async #makeBatch(): Promise<void> {
    const { folder, environment } = this.#options;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const count = this.#made === 0 ? batches.first : batches.next;
    const paths = Array.from({ length: count }, (_, i) => join(folder, String(this.#made + i)));
    this.#made += count;
    // With --mode the umask does not apply (POSIX, mkfifo).
    const end = await runProcess('mkfifo', ['-m', '666', '--', ...paths], {
      environment,
      timeoutSeconds: limitSeconds,
    });
    if (end.status !== 0) throw new Error(`cannot make pipes in ${folder}: ${failureReason(end)}`);
    this.#spare.push(...paths);
  }
}
