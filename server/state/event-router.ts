/** Which run's folder an event belongs to; events that nobody can place yet wait until one tells. */
import type { JobEvent } from '../../model/event.js';
import type { RunId } from '../../model/name.js';
import { folderName, type RunFolder } from '../../model/run.js';
import type { RunFolders } from './run-folders.js';

/** `time`: when it came, seconds since 1970, UTC. */
export interface ReceivedEvent {
  readonly event: JobEvent;
  readonly time: number;
}

export class EventRouter {
  readonly #claims: RunFolders;
  /** events of GitHub runs whose number nobody has told yet */
  readonly #waiting = new Map<RunId, ReceivedEvent[]>();

  constructor(claims: RunFolders) {
    this.#claims = claims;
  }

  /** Where the events of a job belong; undefined while nobody has told the number of its run. */
  folderOf({ host, runId, jobId, runNumber, attempt }: JobEvent): RunFolder | undefined {
    switch (host) {
      case 'sourcehut':
        return jobId && { host, name: jobId };
      case 'local':
        return runId && { host, name: folderName(runId, attempt) };
      case 'github': {
        if (runId === undefined) return undefined;
        const base = this.#claims.baseOf(runId);
        if (base !== undefined) return { host, name: folderName(base, attempt) };
        if (runNumber === undefined) return undefined;
        const planned = this.#claims.resolve(runNumber, runId, attempt);
        return planned.ok ? planned.value.folder : undefined;
      }
    }
  }

  /** An event that is the first to tell the number of its run claims the folder; tells whether it did. */
  claim({ host, runId, runNumber, attempt }: JobEvent): boolean {
    if (host !== 'github' || runId === undefined || runNumber === undefined) return false;
    if (this.#claims.baseOf(runId) !== undefined) return false;
    const planned = this.#claims.resolve(runNumber, runId, attempt);
    if (planned.ok) this.#claims.reserve(planned.value.base, runId);
    return planned.ok;
  }

  /** Keeps an event until the number of its run is told; without a run id nobody ever can. */
  keep(heard: ReceivedEvent): void {
    const { runId } = heard.event;
    if (runId !== undefined) this.#waiting.set(runId, [...(this.#waiting.get(runId) ?? []), heard]);
  }

  /** Hands out, once, what waited for the number of a run. */
  take(runId: RunId | undefined): readonly ReceivedEvent[] {
    const waiting = (runId && this.#waiting.get(runId)) ?? [];
    if (runId !== undefined) this.#waiting.delete(runId);
    return waiting;
  }

  waiting(): Iterable<ReceivedEvent> {
    return [...this.#waiting.values()].flat();
  }
}
