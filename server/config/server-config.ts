/** soil-server.yml -> a ServerConfig, or every fault with its line and column. */
import { dirname, resolve, sep } from 'node:path';
import { isIP } from 'node:net';
import { parseByteCount } from '../../model/byte-count.js';
import { parseDuration } from '../../model/duration.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import {
  fault,
  readMap,
  readWord,
  readYaml,
  settle,
  type Entry,
  type Located,
  type YamlSource,
} from '../../model/yaml-reader.js';
import { readLimits } from './limit-keys.js';
import { defaultLimits, type ServerLimits } from './limits.js';
import { defaultQuota, parseProjectPrefix, type Project, type Quota } from './project.js';
import { readRetention } from './retention-config.js';
import { logFormats, type LogFormat } from './log-format.js';

export interface ServerConfig {
  /** absent: the command's own default */
  readonly host?: string;
  readonly port?: number;
  readonly logFormat?: LogFormat;
  /** what the page at the root is called, where no project is there */
  readonly title?: string;
  /** of connections, whatever project they are for */
  readonly limits: ServerLimits;
  readonly projects: readonly Project[];
}

const nothing: ServerConfig = { limits: defaultLimits, projects: [] };

/** Reads soil-server.yml. Folders in it are relative to the file's own. Pure. */
export function parseServerConfig(text: string, file: string): Result<ServerConfig> {
  const { source, root } = readYaml(text, file);
  if (source.faults.length > 0) return settle(source, nothing);
  const keys = ['listen', 'log', 'title', 'limits', 'lost-after', 'quota', 'retention', 'projects'];
  const map = readMap(source, root, 'the file', keys);
  if (map === undefined) return settle(source, nothing);
  const base = readShared(source, map, { limits: defaultLimits, quota: defaultQuota, scope: 'server' });
  const projectsEntry = map.get('projects');
  if (projectsEntry === undefined) {
    fault(source, root.offset, 'cannot accept the file: projects is missing');
  }
  const projects =
    projectsEntry === undefined ? [] : readProjects(source, projectsEntry, { base, folder: dirname(file) });
  const logEntry = map.get('log');
  const titleEntry = map.get('title');
  const listenEntry = map.get('listen');
  const logFormat = logEntry && readWord(source, logEntry, 'log', parseLogFormat);
  const title = titleEntry && readWord(source, titleEntry, 'title', parseTitle);
  return settle(source, {
    ...(listenEntry !== undefined && readListen(source, listenEntry)),
    ...(logFormat !== undefined && { logFormat }),
    ...(title !== undefined && { title }),
    limits: base.limits,
    projects,
  });
}

type Shared = Pick<Project, 'limits' | 'quota' | 'retention'>;

/** The keys that stand for the whole file, and in a project for that project alone. */
function readShared(
  source: YamlSource,
  map: ReadonlyMap<string, Entry>,
  {
    limits: before,
    quota: quotaBefore,
    retention: kept,
    scope,
  }: Shared & { readonly scope: 'server' | 'project' },
): Shared {
  const limitsEntry = map.get('limits');
  const lostEntry = map.get('lost-after');
  const quotaEntry = map.get('quota');
  const limits = limitsEntry ? readLimits(source, limitsEntry, { base: before, scope }) : before;
  const retentionEntry = map.get('retention');
  const retention = retentionEntry ? readRetention(source, retentionEntry) : kept;
  const lostSeconds = lostEntry && readWord(source, lostEntry, 'lost-after', parseLostAfter);
  return {
    limits: lostSeconds === undefined ? limits : { ...limits, lostSeconds },
    quota: quotaEntry ? readQuota(source, quotaEntry, quotaBefore) : quotaBefore,
    ...(retention !== undefined && { retention }),
  };
}

function readListen(
  source: YamlSource,
  located: Located,
): { readonly host?: string; readonly port?: number } | undefined {
  const map = readMap(source, located, 'listen', ['host', 'port']);
  const hostEntry = map?.get('host');
  const portEntry = map?.get('port');
  const host = hostEntry && readWord(source, hostEntry, 'host', parseHost);
  const port = portEntry && readWord(source, portEntry, 'port', parsePort);
  return { ...(host !== undefined && { host }), ...(port !== undefined && { port }) };
}

function readQuota(source: YamlSource, located: Located, before: Quota): Quota {
  const map = readMap(source, located, 'quota', ['site', 'reserve']);
  const bytesOf = (key: string): number | undefined => {
    const entry = map?.get(key);
    return entry && readWord(source, entry, key, (text) => parseByteCount(text, key));
  };
  const siteBytes = bytesOf('site') ?? before.siteBytes;
  const reserveBytes = bytesOf('reserve') ?? before.reserveBytes;
  if (siteBytes !== undefined && reserveBytes >= siteBytes) {
    fault(
      source,
      located.offset,
      `cannot accept quota: reserve, ${reserveBytes} bytes, leaves nothing of site, ${siteBytes} bytes`,
    );
  }
  return { reserveBytes, ...(siteBytes !== undefined && { siteBytes }) };
}

function readProjects(
  source: YamlSource,
  located: Entry,
  { base, folder }: { readonly base: Shared; readonly folder: string },
): readonly Project[] {
  const map = readMap(source, located, 'projects');
  if (map?.size === 0) fault(source, located.offset, 'cannot accept projects: there is none');
  const projects: Project[] = [];
  for (const entry of map?.values() ?? []) {
    const project = readProject(source, entry, { base, folder });
    if (project === undefined) continue;
    for (const other of projects) refuseOverlap(source, entry, { project, other });
    projects.push(project);
  }
  return projects;
}

function readProject(
  source: YamlSource,
  entry: Entry,
  { base, folder }: { readonly base: Shared; readonly folder: string },
): Project | undefined {
  const prefix = parseProjectPrefix(entry.key);
  if (!prefix.ok) fault(source, entry.keyOffset, prefix.error);
  const what = `project ${quote(entry.key)}`;
  const map = readMap(source, entry, what, ['site', 'title', 'limits', 'lost-after', 'quota', 'retention']);
  if (map === undefined) return undefined;
  const siteEntry = map.get('site');
  const titleEntry = map.get('title');
  if (siteEntry === undefined) fault(source, entry.keyOffset, `cannot accept ${what}: site is missing`);
  const site = siteEntry && readWord(source, siteEntry, 'site', accept<string>);
  const title = titleEntry && readWord(source, titleEntry, 'title', parseTitle);
  const shared = readShared(source, map, { ...base, scope: 'project' });
  if (!prefix.ok || site === undefined) return undefined;
  return {
    ...{ prefix: prefix.value, folder: resolve(folder, site), ...shared },
    ...(title !== undefined && { title }),
  };
}

/** Two projects share no folder, and but for `/` none lies below another: a path is never two projects'. */
function refuseOverlap(
  source: YamlSource,
  entry: Entry,
  { project, other }: { readonly project: Project; readonly other: Project },
): void {
  const contains = (above: string, below: string, slash: string): boolean =>
    below === above || below.startsWith(above.endsWith(slash) ? above : above + slash);
  const overlap = (a: string, b: string, slash: string): boolean =>
    contains(a, b, slash) || contains(b, a, slash);
  if (overlap(project.folder, other.folder, sep)) {
    const reason = `its site ${quote(project.folder)} and that of ${quote(other.prefix)} are not apart`;
    fault(source, entry.keyOffset, `cannot accept project ${quote(project.prefix)}: ${reason}`);
  }
  const prefixes = [project.prefix, other.prefix];
  if (!prefixes.some((prefix) => prefix === '/') && overlap(project.prefix, other.prefix, '/')) {
    const reason = `it and ${quote(other.prefix)} lie one below the other`;
    fault(source, entry.keyOffset, `cannot accept project ${quote(project.prefix)}: ${reason}`);
  }
}

function parseHost(text: string): Result<string> {
  const isName = /^[A-Za-z0-9]([A-Za-z0-9.-]{0,250}[A-Za-z0-9])?$/.test(text);
  if (isIP(text) !== 0 || (isName && !/^[\d.]+$/.test(text))) return accept(text);
  return refuse(`cannot accept host ${quote(text)}: it must be an IP address, or a name of this machine`);
}

/** 0: any that is free. */
export function parsePort(text: string): Result<number> {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return accept(Number(text));
  return refuse(`cannot accept port ${quote(text)}: it must be a whole number from 0 to 65535`);
}

export function parseLogFormat(text: string): Result<LogFormat> {
  const found = logFormats.find((format) => format === text);
  return found === undefined
    ? refuse(`cannot accept log ${quote(text)}: it must be one of ${logFormats.join(', ')}`)
    : accept(found);
}

function parseTitle(text: string): Result<string> {
  if (text.length <= 100 && !/[\p{Cc}\u2028\u2029]/u.test(text)) return accept(text);
  return refuse(`cannot accept title ${quote(text)}: it must be one line of at most 100 characters`);
}

const parseLostAfter = (text: string): Result<number> =>
  parseDuration(text, 'lost-after', { minSeconds: 60 });
