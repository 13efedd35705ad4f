/** Follows the growing logs of a job and redacts secrets in place, within milliseconds after they are written. */
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { overwrite, type Redactor } from './redactor.js';

/** The size of one read; small enough to stay in the processor's cache while it is searched. */
const chunkBytes = 1024 * 1024;
/**
 * The pauses between two reads. Without a pause, each read of a growing log returns a few bytes, yet costs as much as a
 * read of 256 KiB. The pause is short, since a finished task waits until the output of the last pause is searched.
 */
const pollMs = { growing: 5, idle: 25 };

/** The logs of one job. Each is redacted while the task that writes it runs. */
export class LogRedactor {
  readonly #redactor: Redactor;
  readonly #logs: RedactedLog[] = [];

  constructor(redactor: Redactor) {
    this.#redactor = redactor;
  }

  /**
   * Starts to follow an existing log. The returned function redacts everything written so far and stops following; it
   * rejects when the log could not be read or written.
   */
  follow(file: string): () => Promise<void> {
    const log = new RedactedLog(file, this.#redactor);
    this.#logs.push(log);
    const stop = new AbortController();
    const following = (async () => {
      while (!stop.signal.aborted) {
        const bytes = await log.redactNext();
        if (bytes >= chunkBytes) continue;
        const pause = bytes > 0 ? pollMs.growing : pollMs.idle;
        await wait(pause, undefined, { ref: false, signal: stop.signal }).catch(() => undefined);
      }
    })();
    following.catch(() => undefined); // the returned function rejects with it
    return async () => {
      stop.abort();
      await following;
      await log.finish();
    };
  }

  /** Redacts what processes that outlived their task have appended. Call it when nothing writes to the logs anymore. */
  async finish(): Promise<void> {
    for (const log of this.#logs) await log.finish();
  }
}

class RedactedLog {
  readonly #file: string;
  readonly #redactor: Redactor;
  #handle: FileHandle | undefined;
  /** everything before this offset has been searched */
  #offset = 0;

  constructor(file: string, redactor: Redactor) {
    this.#file = file;
    this.#redactor = redactor;
  }

  /**
   * Redacts the next chunk. Returns the number of new bytes, 0 at the end of the log. Searches the end of the previous
   * chunk again, since a secret may start there.
   */
  async redactNext(): Promise<number> {
    this.#handle ??= await open(this.#file, constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const from = Math.max(0, this.#offset - this.#redactor.maxMatchBytes);
    const buffer = takeBuffer(this.#offset - from + chunkBytes);
    const { bytesRead } = await this.#handle.read(buffer, 0, this.#offset - from + chunkBytes, from);
    if (from + bytesRead <= this.#offset) {
      returnBuffer(buffer);
      // A task can truncate its own log: then everything in it is new.
      const { size } = await this.#handle.stat();
      if (size < this.#offset) this.#offset = 0;
      return size - this.#offset;
    }
    const bytes = buffer.subarray(0, bytesRead);
    for (const range of this.#redactor.find(bytes)) {
      overwrite(bytes, range);
      await this.#handle.write(bytes, range.start, range.end - range.start, from + range.start);
    }
    returnBuffer(buffer);
    const newBytes = from + bytesRead - this.#offset;
    this.#offset += newBytes;
    return newBytes;
  }

  /** Redacts up to the current end of the log and closes it. */
  async finish(): Promise<void> {
    while ((await this.redactNext()) > 0);
    await this.#handle?.close();
    this.#handle = undefined;
  }
}

/** Buffers are reused: fresh memory costs a page fault every 4 KiB, which takes as long as the search. */
const spareBuffers: Buffer[] = [];
const takeBuffer = (length: number): Buffer => {
  const index = spareBuffers.findIndex((buffer) => buffer.length >= length);
  const [found] = index < 0 ? [] : spareBuffers.splice(index, 1);
  return found ?? Buffer.allocUnsafeSlow(Math.max(length, 2 * chunkBytes));
};
const returnBuffer = (buffer: Buffer): void => {
  if (spareBuffers.length < 4) spareBuffers.push(buffer);
};
