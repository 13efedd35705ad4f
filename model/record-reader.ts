/** Parses a record's JSON. A refusal names the key, the value and the reason. */
import { maxUncommittedFiles, type UncommittedFiles } from './job-conditions.js';
import { maxLeftOut, type LeftOut } from './left-out.js';
import { parseCommitHash, parseJobName, parseRunId, parseWorkerHost, type JobName } from './name.js';
import { finishedOutcomes, type FinishedOutcome } from './outcome.js';
import {
  withoutUndefined,
  recordSchema,
  type ImageRecord,
  type JobRecord,
  type MachineRecord,
} from './record.js';
import { maxTextLength, maxExpectedJobs, parseAttempt, parseLocalRun, parseRunNumber } from './run.js';
import { parseExitStatus } from './status.js';
import { accept, quote, refuse, type Result } from './result.js';
import { errorMessage } from './error-message.js';

type Json = Readonly<Record<string, unknown>>;

/**
 * Parses a record. Null, empty and missing values are equivalent. Refuses a wrong value of a key that says which job this
 * is or how it ended. Any other wrong value is left out, and `unread` says why, so that a failed job never vanishes.
 */
export function parseRecord(text: string): Result<JobRecord> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return refuse(`cannot read the record: ${errorMessage(error)}`);
  }
  if (!isObject(json)) return refuse(`cannot read the record ${quote(text)}: it is not a JSON object`);
  try {
    return accept(new RecordReader(json).read());
  } catch (error) {
    if (error instanceof Refusal) return refuse(error.message);
    throw error;
  }
}

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

class Refusal extends Error {}

/** A record with more wrong values than this names the first ones only. */
const maxUnread = 20;

/** More flags of the engine do not fit on a page. */
const maxEngineFlags = 200;

/** Reads the values of one JSON object by key. Throws a Refusal, which parseRecord() catches. */
class RecordReader {
  readonly #json: Json;
  readonly #unread: string[];

  constructor(json: Json, unread: string[] = []) {
    this.#json = json;
    this.#unread = unread;
  }

  read(): JobRecord {
    const number = this.optional(() => this.text('GITHUB_PR_NUMBER'));
    const pullRequest =
      number === undefined
        ? undefined
        : {
            number,
            ...withoutUndefined({
              headRef: this.optional(() => this.text('GITHUB_PR_HEAD_REF')),
              headSha: this.optional(() => this.text('GITHUB_PR_HEAD_SHA')),
            }),
          };
    const ref = this.optional(() => this.text('GITHUB_REF'));
    const schema = this.#json.schema ?? 0;
    if (schema !== 0 && schema !== recordSchema) {
      throw new Refusal(
        `cannot accept schema ${quote(formatValue(schema))}: this version of Soil reads 0 and ${recordSchema}`,
      );
    }
    return {
      schema,
      ...withoutUndefined({
        host: this.parsed('host', parseWorkerHost),
        job: this.parsed('job-name', parseJobName),
        commit: this.optional(() => this.parsed('commit-hash', parseCommitHash)),
        commitDate: this.optional(() => this.shown('commit-date')),
        commitLine: this.optional(() => this.shown('commit-line')),
        branch: this.optional(() => this.text('branch')) ?? /^refs\/heads\/(.+)$/.exec(ref ?? '')?.[1],
        startTime: this.optional(() => this.instant('task-run-start-time')),
        deployTime: this.optional(() => this.instant('task-deploy-start-time')),
        imagePullSeconds: this.optional(() => this.pullSeconds()),
        jobUrl: this.optional(() => this.text('JOB_URL')),
        repository: this.optional(() => this.text('GITHUB_REPOSITORY')),
        jobId: this.parsed('JOB_ID', parseRunId),
        runNumber: this.parsed('GITHUB_RUN_NUMBER', parseRunNumber),
        runId: this.parsed('GITHUB_RUN_ID', parseRunId),
        localRun: this.parsed('SOIL_RUN', parseLocalRun),
        workflow: this.optional(() => this.shown('GITHUB_WORKFLOW')),
        ref,
        event: this.optional(() => this.shown('GITHUB_EVENT_NAME')),
        pullRequest,
        outcome: this.outcome(),
        status: this.parsed('status', parseExitStatus),
        reason: this.optional(() => this.shown('reason')),
        image: this.optional(() => this.image()),
        engineFlags: this.engineFlags(),
        isolated: this.#json.isolated === true ? true : undefined,
        uncommitted: this.uncommitted(),
        git: this.#json.git === 'writable' ? ('writable' as const) : undefined,
        machine: this.optional(() => this.machine()),
        workerVersion: this.optional(() => this.shown('worker-version')),
        leftOut: this.optional(() => this.leftOut()),
      }),
      attempt: this.parsed('GITHUB_RUN_ATTEMPT', parseAttempt) ?? this.parsed('attempt', parseAttempt) ?? 1,
      tasks: this.list('tasks').map((item) => {
        const task = new RecordReader(this.object('tasks', item), this.#unread);
        const skipped = task.optional(() => task.shown('skipped'));
        const note = task.optional(() => task.shown('note'));
        return {
          ...{ name: task.shown('name') ?? '', run: task.optional(() => task.verbatim('run')) ?? '' },
          ...(skipped === undefined ? {} : { skipped }),
          ...(note === undefined ? {} : { note }),
          ...(note === undefined ? {} : { note }),
        };
      }),
      expectedJobs: this.optional(() => this.jobNames('expected-jobs')) ?? [],
      ...(this.#unread.length > 0 && { unread: this.#unread }),
    };
  }

  /** Reads a value that neither the identity nor the outcome of the job needs. Undefined if it is wrong; `unread` says why. */
  optional<T>(read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (this.#unread.length < maxUnread) this.#unread.push(error.message.replace(/^cannot accept /, ''));
      return undefined;
    }
  }

  /** Returns a string or number as text; undefined if it is null, missing or blank. Refuses text too long for a page. */
  text(key: string): string | undefined {
    const text = this.anyText(key);
    if (text === undefined || text.length <= maxTextLength) return text;
    return this.wrong(key, text, `it has more than ${maxTextLength} characters`);
  }

  /** Returns text that is for display only, truncated if it is too long for a page. */
  shown(key: string): string | undefined {
    const text = this.anyText(key);
    if (text === undefined || text.length <= maxTextLength) return text;
    return `${text.slice(0, maxTextLength).replace(/[\ud800-\udbff]$/, '')}…`;
  }

  anyText(key: string): string | undefined {
    const value = this.#json[key];
    if (value === undefined || value === null) return undefined;
    if (typeof value === 'number') return String(value);
    if (typeof value !== 'string') this.wrong(key, value, 'it must be text');
    return value.trim() === '' ? undefined : value.trim();
  }

  /** Returns text with its whitespace, as a shell needs it. */
  verbatim(key: string): string {
    const value = this.#json[key];
    return typeof value === 'string' ? value : (this.anyText(key) ?? '');
  }

  parsed<T>(key: string, parse: (text: string, what: string) => Result<T>): T | undefined {
    const text = this.text(key);
    return text === undefined ? undefined : unwrap(parse(text, key));
  }

  number(key: string): number | undefined {
    const text = this.text(key);
    if (text === undefined) return undefined;
    const value = Number(text);
    if (!Number.isFinite(value) || value < 0) this.wrong(key, text, 'it must be a number from 0');
    return value;
  }

  /** Parses seconds since 1970, or a date with a time zone. */
  instant(key: string): number | undefined {
    const text = this.text(key);
    if (text === undefined) return undefined;
    const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : parseDate(text);
    // Dates after the year 9999 cannot be formatted.
    if (!(value >= 0 && value < 253402300800))
      this.wrong(key, text, 'it must be seconds since 1970 or a date');
    return value;
  }

  /** Parses a number, or the output of `time -p`, whose first line is like `real 12.34`. */
  pullSeconds(): number | undefined {
    const text = this.text('image-pull-time');
    if (text === undefined || text === '-') return undefined;
    const [, real] = /(?:^real\s+|^)(\d+(?:\.\d+)?)\s*$/m.exec(text) ?? [];
    if (real === undefined)
      this.wrong('image-pull-time', text, 'it must be a number or the output of `time -p`');
    return Number(real);
  }

  outcome(): FinishedOutcome | undefined {
    const text = this.text('outcome');
    if (text === undefined) return undefined;
    const outcome = finishedOutcomes.find((o) => o === text);
    return outcome ?? this.wrong('outcome', text, `it must be one of ${finishedOutcomes.join(', ')}`);
  }

  image(): ImageRecord | undefined {
    const json = this.#json.image;
    if (json === undefined || json === null) return undefined;
    const image = new RecordReader(this.object('image', json));
    const text = image.text('engine');
    const engine =
      (['podman', 'docker'] as const).find((e) => e === text) ??
      image.wrong('engine', text, 'it must be podman or docker');
    return {
      name: image.shown('name') ?? '-',
      engine,
      ...withoutUndefined({ digest: image.text('digest'), bytes: image.number('bytes') }),
      layers: image.list('layers').map((item) => {
        const layer = new RecordReader(this.object('layers', item));
        return { bytes: layer.number('bytes') ?? 0, command: layer.shown('command') ?? '-' };
      }),
    };
  }

  /** Returns the first flags, each truncated: they are for display only. */
  engineFlags(): readonly string[] | undefined {
    const flags = this.list('engine-flags')
      .slice(0, maxEngineFlags)
      .flatMap((flag) => new RecordReader({ 'engine-flags': flag }).shown('engine-flags') ?? []);
    return flags.length === 0 ? undefined : flags;
  }

  /** A value that cannot be read counts as unknown, since the gate must not take it for a clean working tree. */
  uncommitted(): UncommittedFiles | 'unknown' | undefined {
    const json = this.#json.uncommitted;
    if (json === undefined || json === null) return undefined;
    const { count, files } = isObject(json) ? json : {};
    if (typeof count !== 'number' || !Number.isSafeInteger(count) || count < 0 || count > 999_999_999)
      return 'unknown';
    const names = (Array.isArray(files) ? files : [])
      .slice(0, maxUncommittedFiles)
      .flatMap((file: unknown) => new RecordReader({ file }).shown('file') ?? []);
    return { count, files: names };
  }

  machine(): MachineRecord | undefined {
    const json = this.#json.machine;
    if (json === undefined || json === null) return undefined;
    const machine = new RecordReader(this.object('machine', json));
    return {
      name: machine.shown('name') ?? '-',
      system: machine.shown('system') ?? '-',
      architecture: machine.shown('architecture') ?? '-',
      cpus: machine.number('cpus') ?? 0,
      memoryBytes: machine.number('memory-bytes') ?? 0,
    };
  }

  leftOut(): readonly LeftOut[] | undefined {
    const items = this.list('left-out');
    if (items.length === 0) return undefined;
    return items.slice(0, maxLeftOut).map((item) => {
      const entry = new RecordReader(this.object('left-out', item));
      const more = entry.number('more');
      return {
        ...{ file: entry.shown('file') ?? '-', bytes: entry.number('bytes') ?? 0 },
        ...(more !== undefined && { more }),
        ...(entry.#json.part === true && { isPart: true }),
        limit: entry.shown('limit') ?? '-',
      };
    });
  }

  list(key: string): readonly unknown[] {
    const value = this.#json[key];
    if (value === undefined || value === null) return [];
    return Array.isArray(value) ? value : this.wrong(key, value, 'it must be a list');
  }

  jobNames(key: string): readonly JobName[] {
    const items = this.list(key);
    if (items.length > maxExpectedJobs) {
      throw new Refusal(`cannot accept ${key}: it has ${items.length} names, more than ${maxExpectedJobs}`);
    }
    return items.map((item) =>
      typeof item === 'string'
        ? unwrap(parseJobName(item, key))
        : this.wrong(key, item, 'it must be a list of names'),
    );
  }

  object(key: string, value: unknown): Json {
    return isObject(value) ? value : this.wrong(key, value, 'it must be an object');
  }

  wrong(key: string, value: unknown, reason: string): never {
    const text = typeof value === 'string' ? value : formatValue(value);
    throw new Refusal(`cannot accept ${key} ${quote(text)}: ${reason}`);
  }
}

/**
 * Parses a date to seconds since 1970. Requires a time zone, since Date.parse() would assume the local one, and would parse
 * `-1` as the year 2001. It would also read 30 February as 2 March.
 */
function parseDate(text: string): number {
  if (!/^\S.*\d\d:\d\d.*(?:[Zz]|UTC|GMT|[+-]\d\d:?\d\d)(?: \d{4})?$/.test(text)) return NaN;
  const [, year, month, day] =
    /\b(\d{4})-(\d\d)-(\d\d)/.exec(text) ??
    // `13 Jan 2026`, then `Jan 13 11:58:12 UTC 2026`
    rearrange(/\b(\d{1,2})[ -]([A-Z][a-z]{2})[a-z]*[ -](\d{4})\b/.exec(text), [3, 2, 1]) ??
    rearrange(/\b([A-Z][a-z]{2})[a-z]* +(\d{1,2})\b.*\b(\d{4})$/.exec(text), [3, 1, 2]) ??
    [];
  if (year !== undefined && month !== undefined && day !== undefined) {
    const number = /^\d/.test(month) ? Number(month) : 1 + monthNames.indexOf(month);
    const days = new Date(Date.UTC(Number(year), number, 0)).getUTCDate();
    if (number < 1 || Number(day) > days) return NaN;
  }
  return Date.parse(text) / 1000;
}

const monthNames = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

const rearrange = (
  match: RegExpExecArray | null,
  order: readonly number[],
): readonly (string | undefined)[] | undefined =>
  match === null ? undefined : [match[0], ...order.map((index) => match[index])];

/** JSON.parse() accepts deeper nesting than JSON.stringify(). */
function formatValue(value: unknown): string {
  try {
    return JSON.stringify(value ?? null);
  } catch (error) {
    if (error instanceof RangeError) return '[[[…';
    throw error;
  }
}

function unwrap<T>(result: Result<T>): T {
  if (result.ok) return result.value;
  throw new Refusal(result.error);
}
