/**
 * Splits a stream into sections, each between `MARK+` and `MARK-` for a random word that only its reader and its writer know.
 * A task host whose files this machine cannot open sends the output of tasks, and files, this way.
 */
import type { Readable } from 'node:stream';
import type { OutputSink } from './output-sink.js';

export interface Section {
  readonly mark: string;
  readonly sink: OutputSink;
  /** called when it begins: whether more of what is before it follows later, since it began with `MARK*` */
  readonly begin?: (isMoreToCome: boolean) => void;
  /** called when it has ended; returns what receives the bytes until the next section begins */
  readonly end?: () => OutputSink | undefined;
}

/** What no section claims is dropped, but not its end: it says why a command failed. */
const maxForeign = 8192;

export class SectionReader {
  readonly #stream: Readable;
  readonly #waiting: (Section & { readonly done: () => void })[] = [];
  #open: (Section & { readonly done: () => void }) | undefined;
  #between: OutputSink | undefined;
  /** the last bytes, if they may be the start of a mark */
  #held: Buffer = Buffer.alloc(0);
  #foreign = Buffer.alloc(0);
  readonly #closed: Promise<void>;

  constructor(stream: Readable) {
    this.#stream = stream;
    this.#closed = new Promise((resolve) => {
      for (const event of ['close', 'end'] as const)
        stream.on(event, () => {
          this.#give(this.#held);
          this.#held = Buffer.alloc(0);
          resolve();
        });
    });
    stream.on('error', () => undefined); // `close` follows
    stream.on('data', (chunk: Buffer) => {
      this.#receive(this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]));
    });
  }

  /** what was in no section, at most its last 8192 bytes */
  get foreign(): string {
    return this.#foreign.toString();
  }

  /**
   * Adds a section. Sections come in the order in which they are added. Resolves to true when it has ended, or to false
   * if the stream ends before that.
   */
  read(section: Section): Promise<boolean> {
    const ended = new Promise<boolean>((resolve) => {
      const done = (): void => {
        resolve(true);
      };
      this.#waiting.push({ ...section, done });
    });
    return Promise.race([ended, this.#closed.then(() => false)]);
  }

  #receive(bytes: Buffer): void {
    let rest = bytes;
    for (;;) {
      const mark = this.#open === undefined ? this.#waiting[0]?.mark : `${this.#open.mark}-`;
      const at = mark === undefined ? -1 : rest.indexOf(mark);
      // The sign after a mark may be in the next chunk.
      const kept =
        mark === undefined
          ? 0
          : at >= 0 && this.#open === undefined && at + mark.length === rest.length
            ? mark.length
            : at < 0
              ? startOfMark(rest, mark)
              : undefined;
      if (mark === undefined || kept !== undefined) {
        this.#give(rest.subarray(0, rest.length - (kept ?? 0)));
        this.#held = Buffer.from(rest.subarray(rest.length - (kept ?? 0)));
        return;
      }
      this.#give(rest.subarray(0, at));
      if (this.#open === undefined) {
        this.#open = this.#waiting.shift();
        this.#open?.begin?.(rest[at + mark.length] === moreSign);
        rest = rest.subarray(at + mark.length + 1);
      } else {
        rest = rest.subarray(at + mark.length);
        this.#between = this.#open.end?.();
        this.#open.done();
        this.#open = undefined;
      }
    }
  }

  #give(bytes: Buffer): void {
    if (bytes.length === 0) return;
    const sink = this.#open === undefined ? this.#between : this.#open.sink;
    if (sink === undefined) {
      this.#foreign = Buffer.concat([this.#foreign, bytes]).subarray(-maxForeign);
    } else if (!sink.write(bytes)) {
      this.#stream.pause();
      void sink.drained().then(() => this.#stream.resume());
    }
  }
}

const moreSign = '*'.charCodeAt(0);

/** Returns how many bytes at the end of `bytes` are a start of the mark. */
function startOfMark(bytes: Buffer, mark: string): number {
  const limit = Math.min(bytes.length, mark.length - 1);
  const tail = bytes.subarray(bytes.length - limit).toString('latin1');
  for (let length = limit; length > 0; length--) {
    if (mark.startsWith(tail.slice(limit - length))) return length;
  }
  return 0;
}
