/** The keys of `limits` in soil-server.yml, for the whole server and for a project. Makes ServerLimits of them. */
import { formatDuration, type DurationRule } from '../../model/duration.js';
import { keyTable, type Key, type Keys, type TableValues } from '../../model/key-table.js';
import { byteCount, duration, wholeNumber, type ValueType } from '../../model/value-type.js';
import type { WwzLimits } from '../../wwz/limits.js';
import { defaultLimits, type ServerLimits } from './limits.js';

/** The fields of ServerLimits; those of `wwz` after `wwz.`. */
type LimitName = Exclude<keyof ServerLimits, 'wwz'> | `wwz.${keyof WwzLimits}`;

interface LimitKey extends Key<number> {
  readonly limit: LimitName;
}

/** The minimum is 1, because 0 would refuse every upload. */
const bytes = (limit: LimitName, doc: string): LimitKey =>
  limitKey(limit, { doc, type: byteCount({ minBytes: 1 }), format: formatBytes });

const count = (limit: LimitName, doc: string, max?: number): LimitKey =>
  limitKey(limit, { doc, type: wholeNumber(1, max), format: String });

/** The maximum is 7 days, because Node's timers overflow above 2^31 ms, about 24 days. */
const time = (limit: LimitName, doc: string, rule: DurationRule = { maxSeconds: 7 * 86_400 }): LimitKey =>
  limitKey(limit, { doc, type: duration({ minSeconds: 1, ...rule }), format: formatDuration });

function limitKey(
  limit: LimitName,
  {
    doc,
    type,
    format,
  }: {
    readonly doc: string;
    readonly type: ValueType<number>;
    readonly format: (value: number) => string;
  },
): LimitKey {
  const value = format(limitOf(defaultLimits, limit));
  return { limit, doc, type, default: value, example: value };
}

/** Writes bytes exactly, in the largest binary unit that leaves no fraction. */
export function formatBytes(value: number): string {
  const units = ['GiB', 'MiB', 'KiB'];
  const unit = units.findIndex((_, i) => value % 1024 ** (3 - i) === 0);
  return unit < 0 ? String(value) : `${value / 1024 ** (3 - unit)}${units[unit] ?? ''}`;
}

const projectLimits = {
  body: bytes('bodyBytes', 'A whole request with results.'),
  wwz: bytes('wwzBytes', 'A wwz.'),
  tsv: bytes('tsvBytes', 'A TSV.'),
  json: bytes('jsonBytes', 'A record.'),
  artifact: bytes('artifactBytes', 'A file published for a commit.'),
  event: bytes('eventBytes', 'The form of an event.'),
  field: bytes('fieldBytes', 'A form field that is not a file.'),
  fields: count('fields', 'Fields of a form.'),
  files: count('files', 'Files of a form.'),
  // More entries would need Zip64.
  'wwz-entries': count('wwz.entries', 'Files and folders in a wwz.', 65_534),
  'wwz-entry': bytes('wwz.entryBytes', 'One file in a wwz, inflated.'),
  'wwz-directory': bytes('wwz.directoryBytes', 'The directory of a wwz.'),
  'wwz-total': bytes('wwz.totalBytes', 'All files in a wwz, inflated.'),
  'wwz-ratio': count('wwz.ratio', 'Inflated bytes for each compressed byte of a file in a wwz.'),
  uploads: count(
    'concurrentUploads',
    'Uploads at the same time. A further one gets a 503, which clients retry. One token can have half of them; a further one of it gets a 429.',
  ),
  'token-rate': count('tokenRate', 'Uploads and events of one token in a second. Further ones get a 429.'),
  'token-burst': count(
    'tokenBurst',
    'Uploads and events that one token can send at once before `token-rate` applies.',
  ),
  'partial-uploads': count(
    'partialUploads',
    'Jobs that shell clients have sent in part, of each token. A further one gets a 429.',
  ),
  'partial-time': time('partialSeconds', 'How long these parts are kept.', {}),
};

const connectionLimits = {
  connections: count('connections', 'Connections at the same time. Further ones are closed.'),
  'address-connections': count(
    'addressConnections',
    'Connections of one address at the same time. Further ones get a 429. Behind a proxy, all connections have its address.',
  ),
  'header-time': time('headerSeconds', 'Until the headers of a request are complete.'),
  'request-time': time('requestSeconds', 'Until a whole request is complete.'),
  'idle-time': time('idleSeconds', 'Without a byte in either direction.'),
  'rate-bytes': bytes(
    'rateBytes',
    'The least that a body must send in every `rate-time`; slower uploads get 408.',
  ),
  'rate-time': time('rateSeconds', 'See `rate-bytes`.'),
  'stop-time': time('stopSeconds', 'From SIGTERM until open requests are ended.'),
  'drain-bytes': bytes('drainBytes', 'What a refused client can still send, so that it reads the answer.'),
  'drain-time': time('drainSeconds', 'How long a refused client can still send.'),
};

export const projectLimitKeys = keyTable({ keys: projectLimits });
/** A connection belongs to no project. */
export const connectionLimitKeys = keyTable({ keys: connectionLimits });
export const serverLimitKeys = keyTable({ keys: { ...projectLimits, ...connectionLimits } });

/** Returns `base` with the limits that the file sets. */
export function withLimits(base: ServerLimits, { values }: TableValues<Keys>): ServerLimits {
  let limits = base;
  for (const [key, { limit }] of Object.entries(serverLimitKeys.keys)) {
    const value = values[key];
    if (typeof value === 'number') limits = withLimit(limits, limit, value);
  }
  return limits;
}

function limitOf(limits: ServerLimits, name: LimitName): number {
  return name.startsWith('wwz.')
    ? limits.wwz[name.slice(4) as keyof WwzLimits]
    : limits[name as Exclude<keyof ServerLimits, 'wwz'>];
}

function withLimit(limits: ServerLimits, name: LimitName, value: number): ServerLimits {
  return name.startsWith('wwz.')
    ? { ...limits, wwz: { ...limits.wwz, [name.slice(4)]: value } }
    : { ...limits, [name]: value };
}
