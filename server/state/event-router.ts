/** Finds the run folder of each event. Events of a run whose number is not known yet are held until it is. */
import type { JobEvent } from '../../model/event.js';
import type { RunId } from '../../model/name.js';
import { folderName, type RunFolder } from '../../model/run.js';
import type { RunFolders } from './run-folders.js';

/** When and where something was logged. */
export interface Received {
  /** seconds since 1970, UTC */
  readonly time: number;
  /** the line of the log */
  readonly sequence: number;
}

export interface ReceivedEvent extends Received {
  readonly event: JobEvent;
}

export class EventRouter {
  readonly #runFolders: RunFolders;
  /** events of GitHub runs whose number is not known yet */
  readonly #held = new Map<RunId, ReceivedEvent[]>();

  constructor(runFolders: RunFolders) {
    this.#runFolders = runFolders;
  }

  /** Returns the folder that an event belongs to; undefined while the number of its GitHub run is not known. */
  folderOf({ host, runId, jobId, runNumber, attempt }: JobEvent): RunFolder | undefined {
    switch (host) {
      case 'sourcehut':
        return jobId && { host, name: jobId };
      case 'local':
        return runId && { host, name: folderName(runId, attempt) };
      case 'github': {
        if (runId === undefined) return undefined;
        const base = this.#runFolders.baseOf(runId);
        if (base !== undefined) return { host, name: folderName(base, attempt) };
        if (runNumber === undefined) return undefined;
        const resolved = this.#runFolders.resolve(runNumber, runId, attempt);
        return resolved.ok ? resolved.value.folder : undefined;
      }
    }
  }

  /** Reserves a folder for a GitHub run if this event is the first with its number. Returns whether it is. */
  reserveFolder({ host, runId, runNumber, attempt }: JobEvent): boolean {
    if (host !== 'github' || runId === undefined || runNumber === undefined) return false;
    if (this.#runFolders.baseOf(runId) !== undefined) return false;
    const resolved = this.#runFolders.resolve(runNumber, runId, attempt);
    if (resolved.ok) this.#runFolders.reserve(resolved.value.base, runId);
    return resolved.ok;
  }

  /** Holds an event until the number of its run is known. An event without a run id is dropped. */
  hold(received: ReceivedEvent): void {
    const { runId } = received.event;
    if (runId === undefined) return;
    const held = this.#held.get(runId);
    if (held === undefined) this.#held.set(runId, [received]);
    else held.push(received);
  }

  /** Returns the first line of the log that is about a run whose events are held. */
  firstHeld(runId: RunId | undefined): number | undefined {
    return runId === undefined ? undefined : this.#held.get(runId)?.[0]?.sequence;
  }

  /** Returns the held events of a run, and removes them. */
  release(runId: RunId | undefined): readonly ReceivedEvent[] {
    const events = (runId && this.#held.get(runId)) ?? [];
    if (runId !== undefined) this.#held.delete(runId);
    return events;
  }

  held(): Iterable<ReceivedEvent> {
    return [...this.#held.values()].flat();
  }
}
