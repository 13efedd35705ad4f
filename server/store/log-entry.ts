/** Formats and parses the lines of a site's log. Each line has the hash of the line before it. Pure. */
import { createHash } from 'node:crypto';
import { errorMessage } from '../../model/error-message.js';
import { formatEvent, parseEvent, type JobEvent } from '../../model/event.js';
import {
  parseCommitHash,
  parseJobName,
  parseRunId,
  parseWorkerHost,
  type CommitHash,
  type WorkerHost,
} from '../../model/name.js';
import { parsePublicPath } from '../../model/path.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import type { JobAddress } from '../../model/run.js';
import { parseRemoval, removalBody, type ArtifactRemoval, type Removal } from './removal-entry.js';

/** SHA-256 of a job's files in hex. That of the wwz is known only if it was computed during the upload. */
export interface JobDigests {
  readonly json: string;
  readonly tsv?: string;
  readonly wwz?: string;
}

/** The token that sent a change: its id, and the jobs that it is limited to, as a pattern; `*`: all. */
export interface Sender {
  readonly id: string;
  readonly jobs: string;
}

/**
 * A change of a site. Times are in seconds since 1970, UTC. `record`: the files of a job were stored, or with `found`,
 * were in the folder when the server started. `lost`: a job had no events for too long (`givenUp` in the file).
 */
export type LogEntry =
  | {
      readonly kind: 'event';
      readonly time: number;
      readonly event: JobEvent;
      /** absent in logs of older versions */
      readonly sender?: Sender;
    }
  | {
      readonly kind: 'record';
      readonly time: number;
      readonly address: JobAddress;
      readonly digests: JobDigests;
      readonly found: boolean;
      /** absent in logs of older versions, and for a record that was found */
      readonly sender?: Sender;
    }
  | {
      readonly kind: 'artifact';
      readonly time: number;
      readonly host: WorkerHost;
      readonly commit: CommitHash;
      /** below the commit's artifacts */
      readonly path: string;
    }
  | { readonly kind: 'lost'; readonly time: number; readonly address: JobAddress }
  | { readonly kind: 'repaired'; readonly time: number; readonly reason: string }
  | Removal
  | ArtifactRemoval;

/** The last line of a log: its number and its SHA-256. */
export interface ChainEnd {
  readonly sequence: number;
  readonly hash: string;
}

/** The end of an empty log. */
export const chainStart: ChainEnd = { sequence: 0, hash: '0'.repeat(64) };

export const sha256 = (bytes: Uint8Array | string): string =>
  createHash('sha256').update(bytes).digest('hex');

/** Formats the line, with its newline, that follows `before`, and returns it with the new end of the log. */
export function formatLine(
  entry: LogEntry,
  before: ChainEnd,
): { readonly line: string; readonly end: ChainEnd } {
  const sequence = before.sequence + 1;
  const text = JSON.stringify({ sequence, previous: before.hash, time: entry.time, ...bodyOf(entry) });
  return { line: `${text}\n`, end: { sequence, hash: sha256(text) } };
}

function bodyOf(entry: LogEntry): object {
  switch (entry.kind) {
    case 'event':
      return { event: Object.fromEntries(formatEvent(entry.event)), ...senderBody(entry.sender) };
    case 'record': {
      const { address, digests, found, sender } = entry;
      return { record: addressKey(address), ...digests, ...(found && { found }), ...senderBody(sender) };
    }
    case 'artifact':
      return { artifact: `${entry.host}/${entry.commit}/${entry.path}` };
    case 'lost':
      return { givenUp: addressKey(entry.address) };
    case 'repaired':
      return { repaired: entry.reason };
    case 'removed':
    case 'removed-artifacts':
      return removalBody(entry);
  }
}

function senderBody(sender: Sender | undefined): object {
  return sender === undefined ? {} : { by: sender.id, ...(sender.jobs !== '*' && { jobs: sender.jobs }) };
}

function parseSender({ by, jobs }: Readonly<Record<string, unknown>>): { readonly sender?: Sender } {
  return typeof by === 'string' ? { sender: { id: by, jobs: typeof jobs === 'string' ? jobs : '*' } } : {};
}

export interface ParsedLine {
  readonly entry: LogEntry;
  /** the line before it, according to the line */
  readonly before: ChainEnd;
  readonly end: ChainEnd;
}

/** Parses a line without its newline. */
export function parseLine(text: string): Result<ParsedLine> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return refuse(`cannot read the line: ${errorMessage(error)}`);
  }
  if (typeof json !== 'object' || json === null) return refuse('cannot read the line: not a JSON object');
  const { sequence, previous, time, ...body } = json as Readonly<Record<string, unknown>>;
  if (!Number.isSafeInteger(sequence) || typeof previous !== 'string' || typeof time !== 'number') {
    return refuse('cannot read the line: sequence, previous or time is missing');
  }
  const entry = parseBody(body, time);
  if (!entry.ok) return entry;
  const number = sequence as number;
  return accept({
    entry: entry.value,
    before: { sequence: number - 1, hash: previous },
    end: { sequence: number, hash: sha256(text) },
  });
}

function parseBody(body: Readonly<Record<string, unknown>>, time: number): Result<LogEntry> {
  const { event, record, artifact, givenUp, repaired, json, tsv, wwz, found } = body;
  if (typeof event === 'object' && event !== null) {
    const parsed = parseEvent(Object.entries(event).map(([key, value]) => [key, String(value)] as const));
    return parsed.ok ? accept({ kind: 'event', time, event: parsed.value, ...parseSender(body) }) : parsed;
  }
  if (typeof record === 'string' && typeof json === 'string') {
    const address = parseAddress(record);
    if (!address.ok) return address;
    const digests = {
      json,
      ...(typeof tsv === 'string' && { tsv }),
      ...(typeof wwz === 'string' && { wwz }),
    };
    return accept({
      ...{ kind: 'record', time, address: address.value, digests, found: found === true },
      ...parseSender(body),
    });
  }
  if (typeof artifact === 'string') return parseArtifact(artifact, time);
  if (typeof givenUp === 'string') {
    const address = parseAddress(givenUp);
    return address.ok ? accept({ kind: 'lost', time, address: address.value }) : address;
  }
  if (typeof repaired === 'string') return accept({ kind: 'repaired', time, reason: repaired });
  const removal = parseRemoval(body, time);
  if (removal !== undefined) return removal;
  return refuse(
    `cannot read the line: ${quote(Object.keys(body).join(', '))} are not the fields of a log entry`,
  );
}

function parseArtifact(text: string, time: number): Result<LogEntry> {
  const [hostText = '', commitText = '', ...segments] = text.split('/');
  const host = parseWorkerHost(hostText, 'host');
  if (!host.ok) return host;
  const commit = parseCommitHash(commitText);
  if (!commit.ok) return commit;
  const path = parsePublicPath(segments.join('/'));
  if (!path.ok) return path;
  return accept({ kind: 'artifact', time, host: host.value, commit: commit.value, path: path.value });
}

/** Formats an address as `HOST/FOLDER/JOB`. */
export const addressKey = ({ host, name, job }: JobAddress): string => `${host}/${name}/${job}`;

export function parseAddress(text: string): Result<JobAddress> {
  const [hostText = '', nameText = '', jobText = '', ...more] = text.split('/');
  if (more.length > 0) return refuse(`cannot read address ${quote(text)}: it must be HOST/RUN/JOB`);
  const host = parseWorkerHost(hostText, 'host');
  if (!host.ok) return host;
  const name = parseRunId(nameText, 'run folder');
  if (!name.ok) return name;
  const job = parseJobName(jobText);
  return job.ok ? accept({ host: host.value, name: name.value, job: job.value }) : job;
}
