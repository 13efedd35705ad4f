/** How soil-server.yml calls each limit: `limits:` of the file or of a project -> ServerLimits, or faults. */
import { parseByteCount } from '../../model/byte-count.js';
import { parseDuration } from '../../model/duration.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { readMap, readWord, type Located, type YamlSource } from '../../model/yaml-reader.js';
import type { WwzLimits } from '../../wwz/limits.js';
import type { ServerLimits } from './limits.js';

/** The numbers of ServerLimits, those of a wwz behind `wwz.`. */
type LimitName = Exclude<keyof ServerLimits, 'wwz'> | `wwz.${keyof WwzLimits}`;

interface Setting {
  readonly name: LimitName;
  readonly kind: 'bytes' | 'count' | 'duration';
  /** of the whole server: a connection is not a project's */
  readonly isWhole?: true;
}

const settings: Readonly<Record<string, Setting>> = {
  body: { name: 'bodyBytes', kind: 'bytes' },
  wwz: { name: 'wwzBytes', kind: 'bytes' },
  tsv: { name: 'tsvBytes', kind: 'bytes' },
  json: { name: 'jsonBytes', kind: 'bytes' },
  artifact: { name: 'artifactBytes', kind: 'bytes' },
  event: { name: 'eventBytes', kind: 'bytes' },
  field: { name: 'fieldBytes', kind: 'bytes' },
  fields: { name: 'fields', kind: 'count' },
  files: { name: 'files', kind: 'count' },
  'wwz-entries': { name: 'wwz.entries', kind: 'count' },
  'wwz-entry': { name: 'wwz.entryBytes', kind: 'bytes' },
  'wwz-directory': { name: 'wwz.directoryBytes', kind: 'bytes' },
  'wwz-total': { name: 'wwz.totalBytes', kind: 'bytes' },
  'wwz-ratio': { name: 'wwz.ratio', kind: 'count' },
  uploads: { name: 'uploadsAtOnce', kind: 'count' },
  'partial-uploads': { name: 'partialUploads', kind: 'count' },
  'partial-time': { name: 'partialSeconds', kind: 'duration' },
  connections: { name: 'connections', kind: 'count', isWhole: true },
  'header-time': { name: 'headerSeconds', kind: 'duration', isWhole: true },
  'request-time': { name: 'requestSeconds', kind: 'duration', isWhole: true },
  'idle-time': { name: 'idleSeconds', kind: 'duration', isWhole: true },
  'rate-bytes': { name: 'rateBytes', kind: 'bytes', isWhole: true },
  'rate-time': { name: 'rateSeconds', kind: 'duration', isWhole: true },
  'stop-time': { name: 'stopSeconds', kind: 'duration', isWhole: true },
  'drain-bytes': { name: 'drainBytes', kind: 'bytes', isWhole: true },
  'drain-time': { name: 'drainSeconds', kind: 'duration', isWhole: true },
};

/** The most that a zip without Zip64 can have. */
const mostEntries = 65_534;

/** Every key of `limits:`, with its default as it would be written; for the manual and its test. */
export function limitDefaults(limits: ServerLimits): readonly {
  readonly key: string;
  readonly value: number;
  readonly kind: Setting['kind'];
  readonly isWhole: boolean;
}[] {
  return Object.entries(settings).map(([key, { name, kind, isWhole = false }]) => ({
    ...{ key, kind, isWhole, value: limitOf(limits, name) },
  }));
}

/** `base` with what the map at `located` says instead. `scope`: in a project, limits of connections are faults. */
export function readLimits(
  source: YamlSource,
  located: Located,
  { base, scope }: { readonly base: ServerLimits; readonly scope: 'server' | 'project' },
): ServerLimits {
  const allowed = Object.keys(settings).filter((key) => scope === 'server' || !settings[key]?.isWhole);
  let limits = base;
  for (const entry of readMap(source, located, 'limits', allowed)?.values() ?? []) {
    const setting = settings[entry.key];
    if (setting === undefined) continue;
    const value = readWord(source, entry, entry.key, (text) => parseLimit(text, entry.key, setting));
    if (value !== undefined) limits = withLimit(limits, setting.name, value);
  }
  return limits;
}

/** No limit may be 0: the server would accept nothing, or a timer would fire without end. */
function parseLimit(text: string, key: string, { kind, name }: Setting): Result<number> {
  switch (kind) {
    case 'bytes':
      return parseByteCount(text, key, { minBytes: 1 });
    case 'duration':
      // Node's timers overflow at 2^31 ms, which is almost 25 days. No timer waits for `partialSeconds`.
      return parseDuration(text, key, {
        minSeconds: 1,
        ...(name !== 'partialSeconds' && { maxSeconds: 7 * 86_400 }),
      });
    case 'count':
      return parseCount(text, key, name === 'wwz.entries' ? mostEntries : Infinity);
  }
}

function parseCount(text: string, key: string, most: number): Result<number> {
  const because = (reason: string) => refuse(`cannot accept ${key} ${quote(text)}: ${reason}`);
  if (!/^\d{1,9}$/.test(text)) return because('it must be a whole number');
  const count = Number(text);
  if (count < 1) return because('it must be at least 1');
  return count > most ? because(`it must be at most ${most}`) : accept(count);
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
