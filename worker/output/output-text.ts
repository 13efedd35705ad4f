/** Keeps output in memory, up to a limit. */
import type { OutputSink } from './output-sink.js';

export class OutputText implements OutputSink {
  readonly #maxBytes: number;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** How many bytes were written. Beyond the limit, they are dropped. */
  get bytes(): number {
    return this.#bytes;
  }

  write(bytes: Uint8Array): boolean {
    if (this.#bytes + bytes.length <= this.#maxBytes) this.#chunks.push(Buffer.from(bytes));
    this.#bytes += bytes.length;
    return true;
  }

  drained(): Promise<void> {
    return Promise.resolve();
  }

  /** Returns what was written, decoded as UTF-8. */
  toString(): string {
    return Buffer.concat(this.#chunks).toString();
  }
}
