/** Reads one named pipe until all output of a try is in, and further until nobody can write to it. */
import { randomBytes } from 'node:crypto';
import { closeSync, constants, fchmodSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { Socket, type OnReadOpts, type SocketConstructorOpts } from 'node:net';
import { quote } from '../../model/result.js';
import type { OutputSink } from './output-sink.js';

/** All pipes are read into the same buffer, one after the other. A pipe usually holds 64 KiB. */
const readBuffer = Buffer.allocUnsafeSlow(1024 * 1024);
const markBytes = 32;
/** The largest pipe that an ordinary user can ask for. After so many bytes, a mark that was written has been read. */
const maxPipeBytes = 1024 * 1024;
/** How long a mark may take while nothing arrives, or while the pipe is always full. */
const markMs = 2000;
const retryMs = 10;

export interface FifoSink extends OutputSink {
  /** called once, when all output before the end of the try was given to write() */
  beginLate(): void;
}

/** How the output before the end of a try was received: `whole`, or another process read a part of it. */
export type FifoEnd = 'whole' | 'stolen';

/** An open pipe. Without the worker's own write end, the reader would see the end of the file before a task opens it. */
export class FifoReader {
  readonly path: string;
  readonly #sink: FifoSink;
  readonly #reader: number;
  #writer: number | undefined;
  readonly #socket: Socket;
  #mark: Buffer | undefined;
  /** the last bytes, if they may be the start of the mark */
  #held: Buffer = Buffer.alloc(0);
  #bytesSinceMark = 0;
  #timer: NodeJS.Timeout | undefined;
  #isPaused = false;
  #end: ((end: FifoEnd) => void) | undefined;
  #ended: Promise<FifoEnd> | undefined;
  #failure: Error | undefined;
  /** resolves when no process can write to the pipe, and it is closed */
  readonly closed: Promise<void>;
  #isClosed = false;

  /** Opens the pipe at `path`. Throws if it is not a pipe, or cannot be opened. */
  constructor(path: string, sink: FifoSink) {
    const { O_RDONLY, O_WRONLY, O_NONBLOCK, O_NOFOLLOW } = constants;
    this.path = path;
    this.#sink = sink;
    this.#reader = openSync(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
    try {
      const stats = fstatSync(this.#reader);
      if (!stats.isFIFO()) throw new Error(`${quote(path, 300)} is not a pipe`);
      if ((stats.mode & 0o777) !== 0o666) fchmodSync(this.#reader, 0o666);
      this.#writer = openSync(path, O_WRONLY | O_NONBLOCK | O_NOFOLLOW);
      const { dev, ino } = fstatSync(this.#writer);
      if (dev !== stats.dev || ino !== stats.ino) throw new Error(`${quote(path, 300)} was replaced`);
    } catch (error) {
      closeSync(this.#reader);
      this.#closeWriter();
      throw error;
    }
    const options: SocketConstructorOpts & { readonly onread: OnReadOpts } = {
      fd: this.#reader,
      readable: true,
      writable: false,
      // Without a buffer of ours, Node allocates one for each read, which is less than half as fast.
      onread: { buffer: readBuffer, callback: (length) => this.#receive(readBuffer.subarray(0, length)) },
    };
    this.#socket = new Socket(options);
    this.closed = new Promise((resolve) => {
      this.#socket.on('close', () => {
        this.#isClosed = true;
        this.#closeWriter();
        // Every writer is gone, but a mark that was written did not arrive.
        this.#finish('stolen');
        resolve();
      });
    });
    this.#socket.on('error', (error) => {
      this.#failure ??= error;
    });
    this.#socket.resume();
  }

  /** Why reading failed; undefined if it did not. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /**
   * Resolves when everything that was written to the pipe so far has been given to the sink. Further output is late. The
   * pipe closes when the last process that holds it open ends.
   */
  end(): Promise<FifoEnd> {
    this.#ended ??= new Promise((resolve) => {
      this.#end = resolve;
      if (this.#isClosed) {
        this.#finish('whole');
        return;
      }
      this.#mark = randomBytes(markBytes);
      this.#keepSending(performance.now() + markMs);
    });
    return this.#ended;
  }

  /** Reads what is in the pipe, and closes it. */
  close(): void {
    if (this.#isClosed) return;
    this.#socket.pause();
    this.#closeWriter();
    for (let left = maxPipeBytes; left > 0;) {
      const length = this.#readNow();
      if (length === 0) break;
      left -= length;
    }
    this.#socket.destroy();
  }

  #readNow(): number {
    try {
      const length = readSync(this.#reader, readBuffer);
      this.#receive(readBuffer.subarray(0, length));
      return length;
    } catch {
      return 0; // EAGAIN: it is empty
    }
  }

  /** Sends the mark, when the pipe has room. If another process fills it all the time, what it prints is late at `limit`. */
  #keepSending(limit: number): void {
    if (this.#mark === undefined || this.#writer === undefined) return;
    if (this.#sendMark()) return;
    if (performance.now() > limit) {
      this.#finish('whole');
      return;
    }
    const nextLimit = this.#isPaused ? performance.now() + markMs : limit;
    this.#timer = setTimeout(() => {
      this.#keepSending(nextLimit);
    }, retryMs);
  }

  #sendMark(): boolean {
    if (this.#writer === undefined || this.#mark === undefined) return false;
    try {
      writeSync(this.#writer, this.#mark);
    } catch {
      return false; // EAGAIN: the pipe is full
    }
    this.#closeWriter();
    this.#bytesSinceMark = 0;
    clearTimeout(this.#timer);
    this.#watchMark();
    return true;
  }

  /** Gives up if the mark does not arrive although the pipe is read: then another process has read it. */
  #watchMark(): void {
    const before = this.#bytesSinceMark;
    this.#timer = setTimeout(() => {
      // After a suspension, timers fire before the pipe is read.
      setImmediate(() => {
        if (this.#mark === undefined) return;
        if (!this.#isPaused && before === this.#bytesSinceMark) this.#finish('stolen');
        else this.#watchMark();
      });
    }, markMs);
  }

  /** Takes bytes from the pipe. Returns whether more may be read now. */
  #receive(bytes: Buffer): boolean {
    const hasMore =
      this.#mark === undefined ? this.#sink.write(bytes) : this.#receiveUpToMark(bytes, this.#mark);
    if (this.#writer !== undefined && this.#mark !== undefined) this.#sendMark();
    if (!hasMore && !this.#isPaused) {
      this.#isPaused = true;
      void this.#sink.drained().then(() => {
        this.#isPaused = false;
        if (!this.#socket.destroyed) this.#socket.resume();
      });
    }
    return hasMore;
  }

  #receiveUpToMark(bytes: Buffer, mark: Buffer): boolean {
    const all = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    const at = all.indexOf(mark);
    if (at >= 0) {
      this.#held = Buffer.alloc(0);
      this.#sink.write(all.subarray(0, at));
      this.#finish('whole');
      return this.#sink.write(all.subarray(at + mark.length));
    }
    const held = startOfMark(all, mark);
    this.#held = Buffer.from(all.subarray(all.length - held));
    const hasMore = this.#sink.write(all.subarray(0, all.length - held));
    this.#bytesSinceMark += bytes.length;
    // A read that did not fill the buffer has emptied the pipe, so the mark would be among its bytes.
    const isEmpty = bytes.length < readBuffer.length && held === 0;
    if (this.#writer === undefined && (isEmpty || this.#bytesSinceMark > maxPipeBytes + readBuffer.length)) {
      this.#finish('stolen');
    }
    return hasMore;
  }

  #finish(end: FifoEnd): void {
    clearTimeout(this.#timer);
    if (this.#held.length > 0) this.#sink.write(this.#held);
    this.#held = Buffer.alloc(0);
    this.#mark = undefined;
    if (this.#end === undefined) return;
    this.#end(end);
    this.#end = undefined;
    this.#closeWriter();
    this.#sink.beginLate();
  }

  #closeWriter(): void {
    if (this.#writer !== undefined) closeSync(this.#writer);
    this.#writer = undefined;
  }
}

/** Returns how many bytes at the end of `bytes` are a start of the mark. */
function startOfMark(bytes: Buffer, mark: Buffer): number {
  for (let length = Math.min(bytes.length, mark.length - 1); length > 0; length--) {
    if (bytes.subarray(bytes.length - length).equals(mark.subarray(0, length))) return length;
  }
  return 0;
}
