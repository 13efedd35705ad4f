/** Carries the output of tasks through the stderr of their hosts, for a host whose pipes this machine cannot open. */
import { randomBytes } from 'node:crypto';
import { listPipeName, pipeName, type OutputChannel, type TryId } from './output-channel.js';
import type { OutputSink } from './output-sink.js';
import { OutputText } from './output-text.js';
import type { SectionReader } from './section-reader.js';
import type { TaskLog } from './task-log.js';

/** A connection to one host: its stderr, and a way to send it requests. */
export interface OutputLane {
  readonly reader: SectionReader;
  /** Sends requests while no task runs. */
  readonly send: (text: string) => void;
}

interface StreamTry {
  readonly id: TryId;
  readonly log: TaskLog;
  readonly list?: OutputSink;
  readonly mark: string;
  lane?: OutputLane;
  /** whether all its output arrived */
  ended?: Promise<boolean>;
}

const maxNames = 16 * 1024 * 1024;

export const newMark = (): string => randomBytes(16).toString('hex');

/** Asks for a section, and reads it. Returns false if the connection ended first. */
export function fetchSection(
  { reader, send }: OutputLane,
  request: (mark: string) => string,
  sink: OutputSink,
): Promise<boolean> {
  const mark = newMark();
  const ended = reader.read({ mark, sink });
  send(request(mark));
  return ended;
}

export class StreamOutput implements OutputChannel {
  /** tries whose log is open */
  readonly #tries = new Map<string, StreamTry>();
  /** the last try of each lane */
  readonly #last = new Map<OutputLane, StreamTry>();
  #failure: Error | undefined;

  begin(id: TryId, log: TaskLog, list?: OutputSink): Promise<void> {
    this.#tries.set(pipeName(id), { id, log, mark: newMark(), ...(list !== undefined && { list }) });
    return Promise.resolve();
  }

  /** Chooses the lane of a try that begin() prepared. Returns its mark. */
  start(id: TryId, lane: OutputLane): string {
    const started = this.#tries.get(pipeName(id));
    if (started === undefined) throw new Error(`task ${pipeName(id)} has no log`);
    const { mark, log } = started;
    const before = this.#last.get(lane);
    started.lane = lane;
    started.ended = lane.reader.read({
      ...{ mark, sink: log },
      begin: (isMoreToCome) => {
        if (before !== undefined && !isMoreToCome) void this.#close(before);
      },
      end: () => {
        log.beginLate();
        return log;
      },
    });
    this.#last.set(lane, started);
    return mark;
  }

  async end(id: TryId): Promise<void> {
    const ending = this.#tries.get(pipeName(id));
    if (ending === undefined) return;
    const { ended, lane, log, list } = ending;
    const isWhole = await ended;
    if (list !== undefined && lane !== undefined && isWhole === true) {
      await fetchSection(lane, (mark) => `send ${mark} out/${listPipeName(id)}\n`, list);
    }
    await log.flush();
  }

  /** Fetches what processes that tasks of a lane left wrote while later tasks ran. Call it when these have ended. */
  async fetchLate(lane: OutputLane): Promise<void> {
    const names = new OutputText(maxNames);
    if (!(await fetchSection(lane, (mark) => `retired ${mark}\n`, names))) return;
    for (const name of names.toString().split('\n')) {
      const late = this.#tries.get(name);
      if (late?.lane !== lane) continue;
      if (!(await fetchSection(lane, (mark) => `late ${mark} ${name}\n`, late.log))) return;
    }
  }

  async close(): Promise<void> {
    for (const open of [...this.#tries.values()]) await this.#close(open);
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #close({ id, log }: StreamTry): Promise<void> {
    this.#tries.delete(pipeName(id));
    await log.close().catch((error: unknown) => (this.#failure ??= error as Error));
  }
}
