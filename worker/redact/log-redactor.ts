/** Follows growing logs and writes asterisks over secrets in them, in place: a secret stands in no log for longer than a look. */
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { overwrite, type Redactor } from './redactor.js';

/** One read; small enough to stay in the processor's cache until it was searched. */
const chunkBytes = 1024 * 1024;
/**
 * Between two looks. A log that grows is left alone for a moment too: whoever keeps on its heels reads it in crumbs, and
 * each costs as much as a quarter of a megabyte. The shorter one, times what a disk takes, is what is still to be
 * searched when the task is done.
 */
const pollMs = { growing: 5, idle: 25 };

/** The logs of a job. What one try of a task has printed is redacted while it runs. */
export class LogRedactor {
  readonly #redactor: Redactor;
  readonly #logs: RedactedLog[] = [];

  constructor(redactor: Redactor) {
    this.#redactor = redactor;
  }

  /** Begins to follow a log that is there; the returned function looks at all that was written until now, and ends it. */
  follow(file: string): () => Promise<void> {
    const log = new RedactedLog(file, this.#redactor);
    this.#logs.push(log);
    const over = new AbortController();
    const following = (async () => {
      while (!over.signal.aborted) {
        const read = await log.look();
        if (read >= chunkBytes) continue;
        const pause = read > 0 ? pollMs.growing : pollMs.idle;
        await wait(pause, undefined, { ref: false, signal: over.signal }).catch(() => undefined);
      }
    })();
    following.catch(() => undefined); // told by the end
    return async () => {
      over.abort();
      await following;
      await log.finish();
    };
  }

  /** Once nobody writes any more: what a process that outlived its task has added. */
  async finish(): Promise<void> {
    for (const log of this.#logs) await log.finish();
  }
}

class RedactedLog {
  readonly #file: string;
  readonly #redactor: Redactor;
  #handle: FileHandle | undefined;
  /** how far it was searched */
  #at = 0;

  constructor(file: string, redactor: Redactor) {
    this.#file = file;
    this.#redactor = redactor;
  }

  /** Searches the next chunk; its bytes, 0 where there is none. What a secret may have begun with is searched again. */
  async look(): Promise<number> {
    this.#handle ??= await open(this.#file, constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const from = Math.max(0, this.#at - this.#redactor.maxMatchBytes);
    const buffer = takeBuffer(this.#at - from + chunkBytes);
    const { bytesRead } = await this.#handle.read(buffer, 0, this.#at - from + chunkBytes, from);
    if (from + bytesRead <= this.#at) {
      giveBuffer(buffer);
      // A task can have cut its own log: all of it is new.
      const { size } = await this.#handle.stat();
      if (size < this.#at) this.#at = 0;
      return size - this.#at;
    }
    const bytes = buffer.subarray(0, bytesRead);
    for (const range of this.#redactor.find(bytes)) {
      overwrite(bytes, range);
      await this.#handle.write(bytes, range.start, range.end - range.start, from + range.start);
    }
    giveBuffer(buffer);
    const news = from + bytesRead - this.#at;
    this.#at += news;
    return news;
  }

  /** To the end of what is there, and no further. */
  async finish(): Promise<void> {
    while ((await this.look()) > 0);
    await this.#handle?.close();
    this.#handle = undefined;
  }
}

/** Fresh memory costs a page fault every 4 KiB: as much as the search. */
const spare: Buffer[] = [];
const takeBuffer = (length: number): Buffer => {
  const at = spare.findIndex((buffer) => buffer.length >= length);
  const [found] = at < 0 ? [] : spare.splice(at, 1);
  return found ?? Buffer.allocUnsafeSlow(Math.max(length, 2 * chunkBytes));
};
const giveBuffer = (buffer: Buffer): void => {
  if (spare.length < 4) spare.push(buffer);
};
