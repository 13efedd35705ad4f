/** The `retention` part of soil-server.yml, as plain maps, lists and words -> what a site keeps, or every fault with its place. Pure. */
import { parseByteCount } from '../../model/byte-count.js';
import { ageRule, parseDuration } from '../../model/duration.js';
import { parseRunId, parseWorkerHost, type WorkerHost } from '../../model/name.js';
import { hintFor } from '../../model/near-word.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { countText } from '../../templates/wording.js';

/** What goes first, and what goes last: what tasks wrote, and then all that is there of a run. */
export const tiers = ['wwz', 'run'] as const;
export type Tier = (typeof tiers)[number];

/** What is beyond any of these goes; an absent one limits nothing. */
export interface TierLimits {
  /** so many of the newest runs of each host stay */
  readonly newest?: number;
  readonly ageSeconds?: number;
  /** of the wwz files, or of everything else, of all runs together */
  readonly bytes?: number;
}

/** A run by its host and one of its names: its number, a folder's, or on sourcehut a job id or the commit. */
export interface RunPin {
  readonly host: WorkerHost;
  readonly name: string;
}

export interface RetentionPolicy {
  readonly limits: Readonly<Record<Tier, TierLimits>>;
  /** which runs stay whatever the limits say */
  readonly keep: {
    readonly green: boolean;
    readonly merged: boolean;
    readonly firstFailure: boolean;
    /** whose newest green run and first failure stay; `*` stands for any characters */
    readonly branches: readonly string[];
    readonly runs: readonly RunPin[];
  };
  /** a running server looks so often */
  readonly everySeconds: number;
}

export const keepsAll: RetentionPolicy = {
  limits: { wwz: {}, run: {} },
  keep: { green: true, merged: true, firstFailure: true, branches: ['*'], runs: [] },
  everySeconds: 3600,
};

/** A fault and the keys that lead to it: whoever read the file knows the line. */
export interface PolicyFault {
  readonly path: readonly (string | number)[];
  readonly text: string;
}

type Path = PolicyFault['path'];

/** `value`: what YAML's failsafe schema makes of the part, so that every scalar is text. */
export function parseRetention(value: unknown): {
  readonly policy: RetentionPolicy;
  readonly faults: readonly PolicyFault[];
} {
  const faults: PolicyFault[] = [];
  const say = (path: Path, text: string): void => {
    faults.push({ path, text });
  };
  const word = <T>(path: Path, from: unknown, parse: (text: string, what: string) => Result<T>) => {
    const what = path.join('.');
    const parsed = typeof from === 'string' ? parse(from, what) : notText(from, what);
    if (parsed.ok) return parsed.value;
    say(path, parsed.error);
    return undefined;
  };
  const map = (path: Path, from: unknown, keys: readonly string[]): Readonly<Record<string, unknown>> => {
    if (typeof from !== 'object' || from === null || Array.isArray(from)) {
      say(path, `cannot accept ${path.join('.')}: it must be a map of ${keys.join(', ')}`);
      return {};
    }
    for (const key of Object.keys(from).filter((name) => !keys.includes(name))) {
      say(
        [...path, key],
        `cannot accept key ${quote(key)} in ${path.join('.')}: it must be one of ${keys.join(', ')}${hintFor(key, keys)}`,
      );
    }
    return from as Readonly<Record<string, unknown>>;
  };
  const top: Path = ['retention'];
  const known = map(top, value, [...tiers, 'keep', 'every']);
  const tier = (name: Tier): TierLimits => {
    if (!(name in known)) return {};
    const path = [...top, name];
    const given = map(path, known[name], ['newest', 'age', 'bytes']);
    const get = <T>(key: string, parse: (text: string, what: string) => Result<T>) =>
      key in given ? word([...path, key], given[key], parse) : undefined;
    const [newest, ageSeconds, bytes] = [
      get('newest', parseCount),
      get('age', parseRetentionAge),
      get('bytes', parseRetentionBytes),
    ];
    return {
      ...(newest !== undefined && { newest }),
      ...(ageSeconds !== undefined && { ageSeconds }),
      ...(bytes !== undefined && { bytes }),
    };
  };
  const keep = (): RetentionPolicy['keep'] => {
    if (!('keep' in known)) return keepsAll.keep;
    const path = [...top, 'keep'];
    const given = map(path, known.keep, ['green', 'merged', 'first-failure', 'branches', 'runs']);
    const flag = (key: string): boolean =>
      !(key in given) || word([...path, key], given[key], parseFlag) !== false;
    const list = <T>(key: string, parse: (text: string, what: string) => Result<T>): readonly T[] => {
      const listed = given[key] ?? [];
      if (!Array.isArray(listed))
        say([...path, key], `cannot accept retention.keep.${key}: it must be a list`);
      const items = Array.isArray(listed) ? (listed as unknown[]) : [];
      return items.flatMap((item, index) => word([...path, key, index], item, parse) ?? []);
    };
    return {
      ...{ green: flag('green'), merged: flag('merged'), firstFailure: flag('first-failure') },
      branches: 'branches' in given ? list('branches', parseBranch) : keepsAll.keep.branches,
      runs: list('runs', parseRunPin),
    };
  };
  const every = 'every' in known ? word([...top, 'every'], known.every, parseRetentionAge) : undefined;
  const policy: RetentionPolicy = {
    limits: { wwz: tier('wwz'), run: tier('run') },
    keep: keep(),
    everySeconds: every ?? keepsAll.everySeconds,
  };
  return { policy, faults };
}

const notText = (value: unknown, what: string): Result<never> =>
  refuse(
    `cannot accept ${what}: it must be text, not ${Array.isArray(value) ? 'a list' : 'a map or nothing'}`,
  );

function parseCount(text: string, what: string): Result<number> {
  if (/^[1-9]\d{0,8}$/.test(text)) return accept(Number(text));
  return refuse(`cannot accept ${what} ${quote(text)}: it must be a whole number from 1`);
}

function parseBranch(text: string, what: string): Result<string> {
  if (/^[\w./*-]{1,200}$/.test(text)) return accept(text);
  return refuse(
    `cannot accept ${what} ${quote(text)}: it must be a branch, in which "*" stands for any characters`,
  );
}

function parseFlag(text: string, what: string): Result<boolean> {
  if (text === 'true' || text === 'false') return accept(text === 'true');
  return refuse(`cannot accept ${what} ${quote(text)}: it must be true or false`);
}

const parseRetentionAge = (text: string, what: string): Result<number> => parseDuration(text, what, ageRule);

/** A bare number of bytes is refused: people mean gigabytes. There is no largest number, since it only limits. */
const parseRetentionBytes = (text: string, what: string): Result<number> =>
  parseByteCount(text, what, { needsUnit: true, minBytes: 1, maxBytes: Infinity });

/** `90 days`, `12 hours`, `30 minutes`. */
export function ageText(seconds: number): string {
  if (seconds % 86_400 === 0) return countText(seconds / 86_400, 'day');
  return seconds % 3600 === 0 ? countText(seconds / 3600, 'hour') : countText(seconds / 60, 'minute');
}

/** `github/1234`, `sourcehut/345`, `sourcehut/COMMIT`, `local/2026-01-13-ada`. */
export function parseRunPin(text: string, what = 'run'): Result<RunPin> {
  const [hostText = '', nameText = '', ...more] = text.split('/');
  if (nameText === '' || more.length > 0) {
    return refuse(`cannot accept ${what} ${quote(text)}: it must be HOST/RUN, like github/1234`);
  }
  const host = parseWorkerHost(hostText, `host of ${what}`);
  if (!host.ok) return host;
  const name = parseRunId(nameText, what);
  return name.ok ? accept({ host: host.value, name: name.value }) : name;
}

export const pinText = ({ host, name }: RunPin): string => `${host}/${name}`;
