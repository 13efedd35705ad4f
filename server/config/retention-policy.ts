/** How long a site keeps its runs. Reads `retention` in soil-server.yml. */
import { ageRule } from '../../model/duration.js';
import {
  defaultValue,
  keyTable,
  readTable,
  tableOf,
  type KeyTable,
  type TableValues,
} from '../../model/key-table.js';
import { parseRunId, parseWorkerHost, type WorkerHost } from '../../model/name.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { listOf, plainValues } from '../../model/value-list.js';
import { byteCount, duration, flag, parsedText, text, wholeNumber } from '../../model/value-type.js';
import { readMap, readYaml, finishReading } from '../../model/yaml-reader.js';
import { countText } from '../../templates/wording.js';

/** What is removed: first the wwz files of a run, later the whole run. */
export const tiers = ['wwz', 'run'] as const;
export type Tier = (typeof tiers)[number];

/** Runs beyond any of these limits are removed. An absent limit removes nothing. */
export interface TierLimits {
  /** the number of newest runs of each host that are kept */
  readonly newest?: number;
  readonly ageSeconds?: number;
  /** of the wwz files of all runs together, or of everything else */
  readonly bytes?: number;
}

/** A run by its host and one of its names: its number, its folder, or on sourcehut a job id or the commit. */
export interface RunPin {
  readonly host: WorkerHost;
  readonly name: string;
}

export interface RetentionPolicy {
  readonly limits: Readonly<Record<Tier, TierLimits>>;
  /** which runs are kept regardless of the limits */
  readonly keep: {
    readonly green: boolean;
    readonly merged: boolean;
    readonly firstFailure: boolean;
    /** whose newest green run and first failure are kept; `*` matches any characters */
    readonly branches: readonly string[];
    readonly runs: readonly RunPin[];
  };
  /** the time between two prunes of a running server */
  readonly everySeconds: number;
}

const newest = wholeNumber(1);
const age = duration(ageRule);
/** A number without a unit is refused, because it could mean gigabytes. Any maximum is harmless. */
const size = byteCount({ needsUnit: true, minBytes: 1, maxBytes: Infinity });

export const tierKeys = keyTable({
  keys: {
    newest: {
      type: newest,
      doc: 'How many of the newest runs of each host to keep.',
      otherwise: 'all',
      example: '500',
    },
    age: { type: age, doc: 'How old a run can become.', otherwise: 'any age', example: '90d' },
    bytes: { type: size, doc: 'How many bytes to keep in total.', otherwise: 'any number', example: '200GB' },
  },
});

export const keepKeys = keyTable({
  keys: {
    branches: {
      type: listOf(
        text('branches', {
          pattern: /^[A-Za-z0-9_./*-]{1,200}$/,
          expected: 'a branch, in which "*" matches any characters',
        }),
        { item: 'branch' },
      ),
      doc: 'The branches for `green` and `first-failure`; `*` matches any characters.',
      default: "['*']",
      example: "[main, 'release-*']",
    },
    green: {
      type: flag,
      doc: 'Keep the newest green run of each of these branches.',
      default: 'true',
      example: 'false',
    },
    'first-failure': {
      type: flag,
      doc: 'Keep the run with which the current failures of each of these branches started, and the green run before it.',
      default: 'true',
      example: 'false',
    },
    merged: {
      type: flag,
      doc: 'Keep the runs of every commit that has `merges/COMMIT.json`.',
      default: 'true',
      example: 'false',
    },
    runs: {
      type: listOf(
        parsedText({
          parse: parseRunPin,
          pattern: /^(github|sourcehut|local)\/[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/,
          label: '`HOST/RUN`',
        }),
        { item: 'run' },
      ),
      doc: 'Runs to keep, like those that `soil-server pin` marks.',
      example: '[github/1234, local/2026-01-13-ada]',
    },
  },
});

export const retentionKeys = keyTable({
  keys: {
    every: {
      type: age,
      doc: 'The time between two prunes of a running server.',
      default: '1h',
      example: '12h',
    },
    wwz: {
      type: tableOf(tierKeys),
      doc: 'The limits of logs and results, which are removed first. JSON, TSV and pages stay.',
      otherwise: 'no limit',
      example: '{ newest: 500, age: 90d, bytes: 200GB }',
    },
    run: {
      type: tableOf(tierKeys),
      doc: 'The limits of whole runs, with their status files.',
      otherwise: 'no limit',
      example: '{ newest: 5000, age: 2y, bytes: 20GB }',
    },
    keep: {
      type: tableOf(keepKeys),
      doc: 'What to keep regardless of the limits.',
      example: '{ branches: [main], runs: [github/1234] }',
    },
  },
});

export const keepsAll: RetentionPolicy = {
  limits: { wwz: {}, run: {} },
  keep: {
    green: defaultValue(keepKeys.keys.green),
    merged: defaultValue(keepKeys.keys.merged),
    firstFailure: defaultValue(keepKeys.keys['first-failure']),
    branches: plainValues(defaultValue(keepKeys.keys.branches)),
    runs: [],
  },
  everySeconds: defaultValue(retentionKeys.keys.every),
};

type ValuesOf<T> = T extends KeyTable<infer K> ? TableValues<K> : never;

export function policyOf({ values }: ValuesOf<typeof retentionKeys>): RetentionPolicy {
  return {
    limits: { wwz: tierOf(values.wwz), run: tierOf(values.run) },
    keep: keepOf(values.keep),
    everySeconds: values.every ?? keepsAll.everySeconds,
  };
}

function tierOf(tier: ValuesOf<typeof tierKeys> | undefined): TierLimits {
  const { newest: runs, age: ageSeconds, bytes } = tier?.values ?? {};
  return {
    ...(runs !== undefined && { newest: runs }),
    ...(ageSeconds !== undefined && { ageSeconds }),
    ...(bytes !== undefined && { bytes }),
  };
}

function keepOf(keep: ValuesOf<typeof keepKeys> | undefined): RetentionPolicy['keep'] {
  const { green, merged, 'first-failure': firstFailure, branches, runs } = keep?.values ?? {};
  return {
    green: green ?? keepsAll.keep.green,
    merged: merged ?? keepsAll.keep.merged,
    firstFailure: firstFailure ?? keepsAll.keep.firstFailure,
    branches: branches === undefined ? keepsAll.keep.branches : plainValues(branches),
    runs: plainValues(runs),
  };
}

/** Parses `retention` of a file and skips its other keys. Returns undefined if the file has no `retention`. */
export function parseRetentionText(yaml: string, file: string): Result<RetentionPolicy | undefined> {
  const { source, root } = readYaml(yaml, file);
  if (source.faults.length > 0) return finishReading(source, undefined);
  const entry = readMap(source, root, 'the file')?.get('retention');
  const read = entry && readTable(source, entry, { table: retentionKeys, what: 'retention' });
  return finishReading(source, read && policyOf(read));
}

/** Refuses to prune without a policy. */
export function requirePolicy(policy: RetentionPolicy | undefined, file: string): Result<RetentionPolicy> {
  if (policy !== undefined) return accept(policy);
  return refuse(`cannot prune: ${quote(file)} has no retention`);
}

/** Formats an age: `90 days`, `12 hours`, `30 minutes`. */
export function ageText(seconds: number): string {
  if (seconds % 86_400 === 0) return countText(seconds / 86_400, 'day');
  return seconds % 3600 === 0 ? countText(seconds / 3600, 'hour') : countText(seconds / 60, 'minute');
}

/** Parses `github/1234`, `sourcehut/345`, `sourcehut/COMMIT` or `local/2026-01-13-ada`. */
export function parseRunPin(pin: string, what = 'run'): Result<RunPin> {
  const [hostText = '', nameText = '', ...more] = pin.split('/');
  if (nameText === '' || more.length > 0) {
    return refuse(`cannot accept ${what} ${quote(pin)}: it must be HOST/RUN, like github/1234`);
  }
  const host = parseWorkerHost(hostText, `host of ${what}`);
  if (!host.ok) return host;
  const name = parseRunId(nameText, what);
  return name.ok ? accept({ host: host.value, name: name.value }) : name;
}

export const pinText = ({ host, name }: RunPin): string => `${host}/${name}`;
