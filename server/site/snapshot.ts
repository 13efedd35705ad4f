/** What a site knows at one moment, in a file: a start reads it, and then only what came after. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { formatEvent, parseEvent } from '../../model/event.js';
import type { JobName, RunId, TaskName } from '../../model/name.js';
import type { RunFolder } from '../../model/run.js';
import type { EventFacts } from '../state/job-events.js';
import type { ReceivedEvent } from '../state/event-router.js';
import type { ChainEnd } from '../store/log-entry.js';
import type { Removal } from '../store/removal-entry.js';
import type { RunEntry } from '../state/run-entry.js';
import type { RunSource } from '../state/run-fold.js';
import { folderStamp } from '../store/site-scan.js';
import type { SiteState } from '../state/site-state.js';
import type { RecordedJob } from '../state/site-view.js';
import { isMissing } from '../../files/atomic-file.js';

/** Another one is not read: the start is then made from records and log, as without any. */
const snapshotSchema = 1;
/** Runs between two breaths of the process. */
const runsAtOnce = 200;

/** A run as a snapshot has it. `stamp`: its folder's, see folderStamp(); absent where it has none. */
export interface SnapshotRun extends RunSource {
  readonly stamp: string | undefined;
  readonly removed: Removal | undefined;
}

export interface Snapshot {
  /** the last line of the log that it has, and that the pages showed */
  readonly end: ChainEnd;
  /** what made the pages, see pageVersion() */
  readonly pages: string;
  readonly runs: readonly SnapshotRun[];
  readonly waiting: readonly ReceivedEvent[];
}

export interface SnapshotSource extends Pick<Snapshot, 'end' | 'pages'> {
  readonly site: string;
  readonly state: SiteState;
}

/**
 * Writes one; the site may change meanwhile: what comes after `end` is taken in again by whoever reads it, and to take
 * an event in twice changes nothing. Stamps are taken before a run is written down, so that a change in between shows.
 */
export async function writeSnapshot(
  path: string,
  { site, state, end, pages }: SnapshotSource,
): Promise<void> {
  const draft = `${path}.draft`;
  const handle = await open(draft, 'w', 0o600);
  const hash = createHash('sha256');
  const write = async (lines: readonly object[]): Promise<void> => {
    const bytes = Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    hash.update(bytes);
    await handle.appendFile(bytes);
  };
  try {
    const waiting = [...state.waitingEvents()].map(({ event, time }) => ({
      time,
      event: formatEvent(event),
    }));
    await write([{ schema: snapshotSchema, end, pages, waiting }]);
    const sources = [...state.entries()];
    for (let at = 0; at < sources.length; at += runsAtOnce) {
      const part = sources.slice(at, at + runsAtOnce);
      const stamps = await Promise.all(part.map(({ folder }) => stampOf(site, folder)));
      await write(part.map((source, index) => plainOf(source, stamps[index])));
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

interface PlainRun {
  readonly folder: RunFolder;
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

function plainOf(
  { folder, runId, recorded, events, expected, lostAt, removed }: RunEntry,
  stamp: string | undefined,
): PlainRun {
  return {
    folder,
    ...(runId !== undefined && { runId }),
    ...(stamp !== undefined && { stamp }),
    ...(removed !== undefined && { removed }),
    arrived: [...recorded.values()],
    // Of a job that has arrived nothing that was heard counts any more.
    heard: [...events]
      .filter(([job]) => !recorded.has(job))
      .map(([job, facts]) => [job, { ...facts, tasks: [...facts.tasks] }] as const),
    expected: [...expected],
    givenUp: [...lostAt].filter(([job]) => !recorded.has(job)),
  };
}

interface Head extends Pick<Snapshot, 'end' | 'pages'> {
  readonly waiting: readonly { readonly time: number; readonly event: [string, string][] }[];
}

/** The snapshot, or nothing when there is none that is whole and of this version. */
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
        } else runs.push(runOf(JSON.parse(last) as PlainRun));
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
  const waiting = head.waiting.flatMap(({ time, event }) => {
    const parsed = parseEvent(event);
    return parsed.ok ? [{ time, event: parsed.value }] : [];
  });
  return { end: head.end, pages: head.pages, runs, waiting };
}

function runOf({ folder, runId, stamp, removed, arrived, heard, expected, givenUp }: PlainRun): SnapshotRun {
  return {
    folder,
    runId,
    stamp,
    removed,
    // Once for the folder, not once for each of its jobs.
    recorded: new Map(
      arrived.map((job) => [job.address.job, { ...job, address: { ...folder, job: job.address.job } }]),
    ),
    events: new Map(heard.map(([job, facts]) => [job, { ...facts, tasks: new Set(facts.tasks) }])),
    expected: new Set(expected),
    lostAt: new Map(givenUp),
  };
}

/** Forgets it: the next start is made from records and log. */
export const removeSnapshot = (path: string): Promise<void> => rm(path, { force: true });
