/** A file with the whole state of a site. A start reads it, and then only the log after it. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { isMissing } from '../../files/atomic-file.js';
import { formatEvent, parseEvent } from '../../model/event.js';
import type { JobName, RunId, TaskName } from '../../model/name.js';
import type { RunFolder } from '../../model/run.js';
import type { ReceivedEvent } from '../state/event-router.js';
import type { EventFacts } from '../state/job-events.js';
import type { RunEntry } from '../state/run-entry.js';
import type { RunSource } from '../state/run-fold.js';
import type { SiteState } from '../state/site-state.js';
import type { RecordedJob } from '../state/site-view.js';
import type { ChainEnd } from '../store/log-entry.js';
import type { Removal } from '../store/removal-entry.js';
import { folderStamp } from '../store/site-scan.js';

/** A snapshot with another schema is ignored, and the site is read from its records and its log. */
const snapshotSchema = 2;
/** The number of runs to write before yielding to other work. */
const batchSize = 200;

/** A run in a snapshot. `stamp`: see folderStamp(); undefined if the run has no folder. */
export interface SnapshotRun extends RunSource {
  readonly stamp: string | undefined;
  readonly removed: Removal | undefined;
}

export interface Snapshot {
  /** the last line of the log that the snapshot and the pages include */
  readonly end: ChainEnd;
  /** the version of the pages, see pageVersion() */
  readonly pages: string;
  readonly runs: readonly SnapshotRun[];
  readonly waiting: readonly ReceivedEvent[];
}

export interface SnapshotSource {
  /** the site's folder */
  readonly site: string;
  readonly state: SiteState;
  /** see pageVersion() */
  readonly pages: string;
}

/** Writes the snapshots of an open site, one at a time. */
export class SnapshotWriter {
  readonly #path: string;
  readonly #source: SnapshotSource;
  #last: Promise<void> = Promise.resolve();

  constructor(path: string, source: SnapshotSource) {
    this.#path = path;
    this.#source = source;
  }

  /**
   * Writes a snapshot in the background, if `flush` reports that the pages show all changes up to `end`. Ignores a
   * failure, which only makes the next start slower.
   */
  writeLater(end: ChainEnd, flush: () => Promise<boolean>): void {
    this.#last = this.#last
      .then(flush)
      .then((isShown) => (isShown ? writeSnapshot(this.#path, this.#source, end) : undefined))
      .catch(() => undefined);
  }

  /** Waits for snapshots in the background, and writes a snapshot. */
  async write(end: ChainEnd): Promise<void> {
    await this.idle();
    await writeSnapshot(this.#path, this.#source, end);
  }

  /** Resolves when no snapshot is being written. */
  idle(): Promise<void> {
    return this.#last;
  }
}

/**
 * The site may change during the write: a reader applies the log after `end` to the snapshot, and applying an entry
 * twice changes nothing. Reads the stamp of a run before the run is formatted, so that a later change is noticed.
 */
async function writeSnapshot(
  path: string,
  { site, state, pages }: SnapshotSource,
  end: ChainEnd,
): Promise<void> {
  // Always the same name, so that crashes during a write leave at most one draft.
  const draft = `${path}.draft`;
  const handle = await open(draft, 'w', 0o600);
  const hash = createHash('sha256');
  const write = async (lines: readonly object[]): Promise<void> => {
    const bytes = Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    hash.update(bytes);
    await handle.appendFile(bytes);
  };
  try {
    const waiting = [...state.waitingEvents()].map(({ event, ...received }) => ({
      ...received,
      event: formatEvent(event),
    }));
    await write([{ schema: snapshotSchema, end, pages, waiting }]);
    const entries = [...state.entries()];
    for (let at = 0; at < entries.length; at += batchSize) {
      const batch = entries.slice(at, at + batchSize);
      const stamps = await Promise.all(batch.map(({ folder }) => stampOf(site, folder)));
      await write(batch.map((entry, index) => formatRun(entry, stamps[index])));
    }
    await handle.appendFile(`${JSON.stringify({ sha256: hash.digest('hex') })}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draft, path);
}

async function stampOf(site: string, { host, name }: RunFolder): Promise<string | undefined> {
  try {
    return await folderStamp(site, host, name);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** A line of the file. Some keys are older than the names in the code, since the format does not change. */
interface SnapshotLine {
  readonly folder: RunFolder;
  readonly arrival: number;
  readonly runId?: RunId;
  readonly stamp?: string;
  readonly removed?: Removal;
  readonly arrived: readonly RecordedJob[];
  readonly heard: readonly (readonly [
    JobName,
    Omit<EventFacts, 'tasks'> & { readonly tasks: readonly TaskName[] },
  ])[];
  readonly expected: readonly JobName[];
  readonly givenUp: readonly (readonly [JobName, number])[];
}

function formatRun(entry: RunEntry, stamp: string | undefined): SnapshotLine {
  const { folder, arrival, runId, recorded, events, expected, lostAt, removed } = entry;
  return {
    ...{ folder, arrival },
    ...(runId !== undefined && { runId }),
    ...(stamp !== undefined && { stamp }),
    ...(removed !== undefined && { removed }),
    arrived: [...recorded.values()],
    // A job with a record needs no events.
    heard: [...events]
      .filter(([job]) => !recorded.has(job))
      .map(([job, facts]) => [job, { ...facts, tasks: [...facts.tasks] }] as const),
    expected: [...expected],
    givenUp: [...lostAt].filter(([job]) => !recorded.has(job)),
  };
}

function parseRun({ folder, arrival, runId, stamp, removed, ...line }: SnapshotLine): SnapshotRun {
  return {
    ...{ folder, arrival, runId, stamp, removed },
    // Share the folder's strings between its jobs.
    recorded: new Map(
      line.arrived.map((job) => [job.address.job, { ...job, address: { ...folder, job: job.address.job } }]),
    ),
    events: new Map(line.heard.map(([job, facts]) => [job, { ...facts, tasks: new Set(facts.tasks) }])),
    expected: new Set(line.expected),
    lostAt: new Map(line.givenUp),
  };
}

interface Head extends Pick<Snapshot, 'end' | 'pages'> {
  readonly waiting: readonly (Omit<ReceivedEvent, 'event'> & { readonly event: [string, string][] })[];
}

/** Reads a snapshot. Returns undefined if there is none, if it is damaged, or if it has another schema. */
export async function readSnapshot(path: string): Promise<Snapshot | undefined> {
  const hash = createHash('sha256');
  let head: Head | undefined;
  const runs: SnapshotRun[] = [];
  let last: string | undefined;
  try {
    const lines = createInterface({ input: createReadStream(path), crlfDelay: Infinity });
    for await (const line of lines) {
      if (last !== undefined) {
        hash.update(`${last}\n`);
        if (head === undefined) {
          const { schema, ...rest } = JSON.parse(last) as { schema: number } & Head;
          if (schema !== snapshotSchema) return undefined;
          head = rest;
        } else runs.push(parseRun(JSON.parse(last) as SnapshotLine));
      }
      last = line;
    }
    if (last === undefined || head === undefined) return undefined;
    const { sha256 } = JSON.parse(last) as { sha256?: string };
    if (sha256 !== hash.digest('hex')) return undefined;
  } catch (error) {
    if (isMissing(error) || error instanceof SyntaxError) return undefined;
    throw error;
  }
  const waiting = head.waiting.flatMap(({ event, ...received }) => {
    const parsed = parseEvent(event);
    return parsed.ok ? [{ ...received, event: parsed.value }] : [];
  });
  return { end: head.end, pages: head.pages, runs, waiting };
}
