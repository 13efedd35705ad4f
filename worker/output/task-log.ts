/** The log of one try: redacts, stamps, indexes and writes its output in one pass, in bounded memory. */
import { constants } from 'node:fs';
import { open, rm, writeFile, type FileHandle } from 'node:fs/promises';
import { errorMessage } from '../../model/error-message.js';
import { formatLogIndex, type LogIndex } from '../../model/log-index.js';
import { quote } from '../../model/result.js';
import type { Redactor } from '../redact/redactor.js';
import { returnBuffer, takeBuffer } from './buffer-pool.js';
import { LineIndex } from './line-index.js';
import type { OutputSink } from './output-sink.js';
import { StreamRedactor } from './stream-redactor.js';

/** A write of this size starts immediately; a smaller one waits for more output. */
const largeWriteBytes = 256 * 1024;
/** How long a smaller one waits. The file is behind the task by this much. */
const smallWriteMs = 5;
/** When so many pieces wait for the disk, the task waits too. */
const maxPieces = 2;
const lineEnd = 0x0a;

/** The line before the output of processes that a task left running. */
export const lateNotice = 'soil: processes that the task left running printed what follows, after its end';

/** The path of the line index of a log. */
export const logIndexPath = (log: string): string => `${log}.index.json`;

export interface TaskLogOptions {
  /** the path of the log; there must be no file */
  readonly file: string;
  /** present if the job has secrets */
  readonly redactor?: Redactor | undefined;
  /** returns milliseconds since 1970 */
  readonly now?: () => number;
}

/** Output that waits to be written: a part of a buffer of the pool. */
interface Piece {
  readonly buffer: Buffer;
  start: number;
  end: number;
  /** no output is added, and none of it is held back */
  isCut: boolean;
}

export class TaskLog implements OutputSink {
  readonly file: string;
  readonly #handle: FileHandle;
  readonly #now: () => number;
  readonly #index: LineIndex;
  readonly #redactor: StreamRedactor | undefined;
  /** room at the start of each buffer for bytes of the piece before it, which may be the start of a secret */
  readonly #headroom: number;
  #held: Buffer = Buffer.alloc(0);
  readonly #pieces: Piece[] = [];
  /** resolves when every piece that was there at its start is written; never rejects */
  #writing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #received = 0;
  #lastByte = lineEnd;
  #isLate = false;
  #failure: Error | undefined;
  #closing: Promise<LogIndex> | undefined;

  private constructor(handle: FileHandle, { file, redactor, now = Date.now }: TaskLogOptions) {
    this.file = file;
    this.#handle = handle;
    this.#now = now;
    this.#index = new LineIndex(now());
    this.#redactor = redactor && new StreamRedactor(redactor);
    this.#headroom = redactor?.maxMatchBytes ?? 0;
  }

  /** Removes a log and its line index, if there are any. */
  static async remove(file: string): Promise<void> {
    await Promise.all([file, logIndexPath(file)].map((path) => rm(path, { force: true })));
  }

  /** Creates the file. Rejects if that fails. */
  static async create(options: TaskLogOptions): Promise<TaskLog> {
    const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
    const handle = await open(options.file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o666);
    return new TaskLog(handle, options);
  }

  write(bytes: Uint8Array): boolean {
    // After a failure, output is read and dropped: the task must not wait for a disk that is full.
    if (bytes.length === 0 || this.#failure !== undefined || this.#closing !== undefined) return true;
    if (this.#isLate) {
      this.#isLate = false;
      const lineBreak = this.#lastByte === lineEnd ? '' : '\n';
      this.#index.setLate(this.#received + lineBreak.length);
      this.#append(Buffer.from(`${lineBreak}${lateNotice}\n`));
    }
    this.#append(bytes);
    return this.#pieces.length < maxPieces;
  }

  async drained(): Promise<void> {
    while (this.#pieces.length >= maxPieces) await this.#startWriting();
  }

  /** Adds a line of Soil's own. */
  writeNotice(text: string): void {
    if (this.#failure !== undefined || this.#closing !== undefined) return;
    this.#append(Buffer.from(`${this.#lastByte === lineEnd ? '' : '\n'}soil: ${text}\n`));
  }

  /** Makes what is written from now on late output: a line before it says so. */
  beginLate(): void {
    this.#isLate = true;
  }

  /** Resolves when all bytes so far are in the file. Rejects if some of them are lost. */
  async flush(): Promise<void> {
    if (this.#held.length > 0 && this.#pieces.length === 0) this.#addPiece(0);
    const last = this.#pieces.at(-1);
    if (last !== undefined) last.isCut = true;
    while (last !== undefined && this.#pieces.includes(last)) await this.#startWriting();
    await this.#writing;
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Writes all bytes and the line index, and closes the file. Rejects if bytes are lost. Later bytes are dropped. */
  close(): Promise<LogIndex> {
    this.#closing ??= this.#finish();
    return this.#closing;
  }

  async #finish(): Promise<LogIndex> {
    try {
      await this.flush();
    } finally {
      await this.#handle.close();
    }
    const index = this.#index.finish();
    await writeFile(logIndexPath(this.file), formatLogIndex(index), { flag: 'wx' });
    return index;
  }

  #append(bytes: Uint8Array): void {
    const last = this.#pieces.at(-1);
    const hasRoom = last !== undefined && !last.isCut && last.end + bytes.length <= last.buffer.length;
    const piece = hasRoom ? last : this.#addPiece(bytes.length);
    this.#index.arrive(this.#received, this.#now());
    piece.buffer.set(bytes, piece.end);
    piece.end += bytes.length;
    this.#received += bytes.length;
    this.#lastByte = bytes.at(-1) ?? this.#lastByte;
    if (this.#pieces.length > 1 || piece.end - piece.start >= largeWriteBytes) void this.#startWriting();
    else this.#timer ??= setTimeout(() => void this.#startWriting(), smallWriteMs);
  }

  /** Adds a piece with room for `bytes`, after those that are held back. */
  #addPiece(bytes: number): Piece {
    const piece: Piece = {
      buffer: takeBuffer(this.#headroom + Math.max(bytes, this.#headroom)),
      start: this.#headroom,
      end: this.#headroom,
      isCut: false,
    };
    this.#pieces.push(piece);
    if (this.#pieces.length === 1) this.#takeHeld(piece);
    return piece;
  }

  /** Puts the bytes that were held back before the piece that follows them. */
  #takeHeld(piece: Piece): void {
    piece.start -= this.#held.length;
    piece.buffer.set(this.#held, piece.start);
    this.#held = Buffer.alloc(0);
  }

  #startWriting(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing ??= this.#writeNext().finally(() => {
      this.#writing = undefined;
      const [next] = this.#pieces;
      if (next === undefined) return;
      if (next.isCut || this.#pieces.length > 1 || next.end - next.start >= largeWriteBytes) {
        void this.#startWriting();
      } else this.#timer ??= setTimeout(() => void this.#startWriting(), smallWriteMs);
    });
    return this.#writing;
  }

  /** Writes the first piece. */
  async #writeNext(): Promise<void> {
    const piece = this.#pieces.shift();
    if (piece === undefined) return;
    const bytes = piece.buffer.subarray(piece.start, piece.end);
    const length = this.#redactor?.redact(bytes, piece.isCut) ?? bytes.length;
    this.#held = Buffer.from(bytes.subarray(length));
    const [next] = this.#pieces;
    if (next !== undefined) this.#takeHeld(next);
    try {
      if (this.#failure === undefined) {
        const final = bytes.subarray(0, length);
        this.#index.add(final);
        for (let at = 0; at < final.length;) {
          at += (await this.#handle.write(final, at, final.length - at)).bytesWritten;
        }
      }
    } catch (error) {
      this.#failure = new Error(`cannot write the log ${quote(this.file, 300)}: ${errorMessage(error)}`);
    } finally {
      returnBuffer(piece.buffer);
    }
  }
}
