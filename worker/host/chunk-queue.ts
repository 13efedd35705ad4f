/** Passes output that is pushed to a reader that pulls it. */
import type { OutputSink } from '../output/output-sink.js';

/** When so much waits, the writer waits too. */
const maxBytes = 1024 * 1024;

export class ChunkQueue implements OutputSink, AsyncIterable<Buffer> {
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #isOver = false;
  #isAbandoned = false;
  #wakeReader: () => void = () => undefined;
  readonly #writers: (() => void)[] = [];

  write(bytes: Uint8Array): boolean {
    if (this.#isAbandoned) return true;
    this.#chunks.push(Buffer.from(bytes));
    this.#bytes += bytes.length;
    this.#wakeReader();
    return this.#bytes < maxBytes;
  }

  drained(): Promise<void> {
    if (this.#isAbandoned || this.#bytes < maxBytes) return Promise.resolve();
    return new Promise((resolve) => this.#writers.push(resolve));
  }

  /** No more is written. */
  end(): void {
    this.#isOver = true;
    this.#wakeReader();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    try {
      for (;;) {
        const chunk = this.#chunks.shift();
        if (chunk !== undefined) {
          this.#bytes -= chunk.length;
          if (this.#bytes < maxBytes) this.#wakeWriters();
          yield chunk;
        } else if (this.#isOver) return;
        else await new Promise<void>((resolve) => (this.#wakeReader = resolve));
      }
    } finally {
      // A reader that stops early must not stop the stream.
      this.#isAbandoned = true;
      this.#wakeWriters();
    }
  }

  #wakeWriters(): void {
    for (const wake of this.#writers.splice(0)) wake();
  }
}
