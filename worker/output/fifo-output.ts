/** Carries the output of tasks through named pipes: one for each try, which the tasks of any host on this machine can open. */
import { rmSync } from 'node:fs';
import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { FifoMaker, type FifoMakerOptions } from './fifo-maker.js';
import { FifoReader, type FifoSink } from './fifo-reader.js';
import { listPipeName, pipeName, type OutputChannel, type TryId } from './output-channel.js';
import type { OutputSink } from './output-sink.js';
import type { TaskLog } from './task-log.js';

export interface FifoOutputOptions {
  /** the folder of the pipes `NUMBER.TRY`, which the tasks see; it is created */
  readonly folder: string;
  /** where pipes are made ahead, see FifoMaker */
  readonly spare: FifoMakerOptions;
  readonly report: (notice: string) => void;
}

interface Stream {
  readonly log: TaskLog;
  /** of the log; then of the list, if there is one */
  readonly readers: readonly FifoReader[];
}

export class FifoOutput implements OutputChannel {
  readonly #options: FifoOutputOptions;
  readonly #maker: FifoMaker;
  #folder: Promise<unknown> | undefined;
  readonly #streams = new Map<string, Stream>();
  #failure: Error | undefined;

  constructor(options: FifoOutputOptions) {
    this.#options = options;
    this.#maker = new FifoMaker(options.spare);
  }

  async begin(id: TryId, log: TaskLog, list?: OutputSink): Promise<void> {
    const reader = await this.#open(pipeName(id), log);
    const listReader =
      list && (await this.#open(listPipeName(id), { ...bind(list), beginLate: () => undefined }));
    const readers = listReader === undefined ? [reader] : [reader, listReader];
    this.#streams.set(pipeName(id), { log, readers });
  }

  async end(id: TryId): Promise<void> {
    const stream = this.#streams.get(pipeName(id));
    if (stream === undefined) return;
    const { log, readers } = stream;
    const ends = await Promise.all(readers.map((reader) => reader.end()));
    if (ends.includes('stolen')) {
      const text = 'another process read the pipe of the task, so a part of its output is missing';
      log.writeNotice(text);
      this.#options.report(`${text}: task ${id.number}`);
    }
    // What is left is late output, and the descriptors are closed when no process can write anymore.
    void Promise.all(readers.map((reader) => reader.closed)).then(() => this.#closeStream(id, stream));
    await log.flush();
    for (const { failure } of readers) if (failure !== undefined) throw failure;
  }

  async close(): Promise<void> {
    for (const [, { readers }] of this.#streams) for (const reader of readers) reader.close();
    for (const [, { log, readers }] of this.#streams) {
      await Promise.all(readers.map((reader) => reader.closed));
      await log.close().catch((error: unknown) => (this.#failure ??= error as Error));
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #open(name: string, sink: FifoSink): Promise<FifoReader> {
    const { folder } = this.#options;
    this.#folder ??= mkdir(folder, { recursive: true }).then(() => chmod(folder, 0o755));
    await this.#folder;
    const path = join(folder, name);
    await this.#maker.make(path);
    return new FifoReader(path, sink);
  }

  async #closeStream(id: TryId, { log, readers }: Stream): Promise<void> {
    try {
      await log.close();
      for (const { path } of readers) rmSync(path, { force: true });
    } catch (error) {
      this.#failure ??= error as Error;
    }
    this.#streams.delete(pipeName(id));
  }
}

const bind = (sink: OutputSink): OutputSink => ({
  write: (bytes) => sink.write(bytes),
  drained: () => sink.drained(),
});
