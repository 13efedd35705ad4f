/** Finds the run folder of each event. Events of a run whose number is not known yet are held until it is. */
import type { JobEvent } from '../../model/event.js';
import type { RunId } from '../../model/name.js';
import { folderName, type RunFolder } from '../../model/run.js';
import type { Sender } from '../store/log-entry.js';
import { isNarrow, ownRun } from './narrow-sender.js';
import type { RunFolders } from './run-folders.js';

/** When and where something was logged. */
export interface Received {
  /** seconds since 1970, UTC */
  readonly time: number;
  /** the line of the log */
  readonly sequence: number;
  readonly sender?: Sender;
}

export interface ReceivedEvent extends Received {
  readonly event: JobEvent;
}

/** Events of one run that are held at most: more than a run of 100 jobs sends before its number is known. */
const maxHeld = 2000;
/** Events of one token that are held at most, in all runs. */
const maxHeldOfSender = 20_000;

/** Reports whether the site has this attempt of a run. */
export type HasAttempt = (folder: RunFolder) => boolean;

export class EventRouter {
  readonly #runFolders: RunFolders;
  readonly #hasAttempt: HasAttempt;
  /** events of GitHub runs whose number is not known yet */
  readonly #held = new Map<RunId, ReceivedEvent[]>();
  /** events in `#held`, by the id of their sender */
  readonly #heldOf = new Map<string, number>();

  constructor(runFolders: RunFolders, hasAttempt: HasAttempt) {
    this.#runFolders = runFolders;
    this.#hasAttempt = hasAttempt;
  }

  /** Returns the folder that an event belongs to; undefined while the number of its GitHub run is not known. */
  folderOf(event: JobEvent, sender?: Sender): RunFolder | undefined {
    const { host, runId, jobId, runNumber, attempt } = event;
    if (isNarrow(sender)) return this.#narrowFolderOf(event, sender);
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

  /** Returns the folder of a run that others have named, else that of the sender's own run. */
  #narrowFolderOf(
    { host, runId, jobId, runNumber, attempt }: JobEvent,
    sender: Sender,
  ): RunFolder | undefined {
    const named =
      host === 'github' ? runId && this.#runFolders.baseOf(runId) : host === 'local' ? runId : jobId;
    const folder = named && { host, name: host === 'sourcehut' ? named : folderName(named, attempt) };
    if (folder !== undefined && this.#hasAttempt(folder)) return folder;
    const run = host === 'github' ? runNumber : named;
    const own = run && ownRun(run, sender, host === 'github' ? runId : undefined);
    return own?.ok === true ? { host, name: folderName(own.value, attempt) } : undefined;
  }

  /** Reserves a folder for a GitHub run if this event is the first with its number. Returns whether it is. */
  reserveFolder({ host, runId, runNumber, attempt }: JobEvent, sender?: Sender): boolean {
    if (isNarrow(sender)) return false;
    if (host !== 'github' || runId === undefined || runNumber === undefined) return false;
    if (this.#runFolders.baseOf(runId) !== undefined) return false;
    const resolved = this.#runFolders.resolve(runNumber, runId, attempt);
    if (resolved.ok) this.#runFolders.reserve(resolved.value.base, runId);
    return resolved.ok;
  }

  /**
   * Holds an event until the number of its run is known. Drops it if it has no run id, or if its run or its sender has too
   * many.
   */
  hold(received: ReceivedEvent): void {
    const { event, sender } = received;
    const ofSender = this.#heldOf.get(sender?.id ?? '') ?? 0;
    if (event.runId === undefined || ofSender >= maxHeldOfSender) return;
    const held = this.#held.get(event.runId) ?? [];
    if (held.length >= maxHeld) return;
    held.push(received);
    this.#held.set(event.runId, held);
    this.#heldOf.set(sender?.id ?? '', ofSender + 1);
  }

  /** Returns the first line of the log that is about a run whose events are held. */
  firstHeld(runId: RunId | undefined): number | undefined {
    return runId === undefined ? undefined : this.#held.get(runId)?.[0]?.sequence;
  }

  /** Returns the held events of a run, and removes them. */
  release(runId: RunId | undefined): readonly ReceivedEvent[] {
    const events = (runId && this.#held.get(runId)) ?? [];
    if (runId !== undefined) this.#held.delete(runId);
    for (const { sender } of events) {
      const id = sender?.id ?? '';
      this.#heldOf.set(id, (this.#heldOf.get(id) ?? 1) - 1);
    }
    return events;
  }

  held(): Iterable<ReceivedEvent> {
    return [...this.#held.values()].flat();
  }
}
