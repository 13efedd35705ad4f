/** Parses soil-server.yml. Reports every fault with its line and column. */
import { dirname, resolve, sep } from 'node:path';
import { defaultValue, readTable, type TableValues } from '../../model/key-table.js';
import { quote, type Result } from '../../model/result.js';
import { type NamedValue } from '../../model/value-list.js';
import { parseChoice, parseWholeNumber } from '../../model/value-type.js';
import { addFault, readYaml, finishReading, type YamlSource } from '../../model/yaml-reader.js';
import { withLimits } from './limit-keys.js';
import { defaultLimits, type ServerLimits } from './limits.js';
import { logFormats, type LogFormat } from './log-format.js';
import { metricsAccesses, type MetricsAccess } from './metrics-access.js';
import { defaultQuota, type Project, type ProjectPrefix, type Quota } from './project.js';
import { policyOf } from './retention-policy.js';
import { listenKeys, port, soilServerKeys, type projectKeys, type quotaKeys } from './soil-server-keys.js';

export interface ServerConfig {
  /** absent: the default of the command */
  readonly host?: string;
  readonly port?: number;
  readonly logFormat?: LogFormat;
  readonly metrics?: MetricsAccess;
  /** the title of the page at the root, if no project is there */
  readonly title?: string;
  /** limits of connections, for every project */
  readonly limits: ServerLimits;
  readonly projects: readonly Project[];
}

/** Where to listen if neither the file nor an option sets it. */
export const defaultListen = {
  host: defaultValue(listenKeys.keys.host),
  port: defaultValue(listenKeys.keys.port),
};

const emptyConfig: ServerConfig = { limits: defaultLimits, projects: [] };

/** Parses soil-server.yml. Relative folders in it start at the file's own folder. Pure. */
export function parseServerConfig(text: string, file: string): Result<ServerConfig> {
  const { source, root } = readYaml(text, file);
  if (source.faults.length > 0) return finishReading(source, emptyConfig);
  const read = readTable(source, root, { table: soilServerKeys, what: 'the file' });
  if (read === undefined) return finishReading(source, emptyConfig);
  const { listen, log, metrics, title, projects } = read.values;
  const base = sharedOf(source, read.values, { limits: defaultLimits, quota: defaultQuota });
  return finishReading(source, {
    ...(listen?.values.host !== undefined && { host: listen.values.host }),
    ...(listen?.values.port !== undefined && { port: listen.values.port }),
    ...(log !== undefined && { logFormat: log }),
    ...(metrics !== undefined && { metrics }),
    ...(title !== undefined && { title }),
    limits: base.limits,
    projects: projectsOf(source, projects ?? [], { base, folder: dirname(file) }),
  });
}

type Shared = Pick<Project, 'limits' | 'quota' | 'retention'>;
type FileValues = TableValues<typeof soilServerKeys.keys>['values'];
type ProjectValues = TableValues<typeof projectKeys.keys>['values'];

/** Returns `base` with what the file or a project sets. */
function sharedOf(source: YamlSource, values: FileValues | ProjectValues, base: Shared): Shared {
  const { limits: own, 'lost-after': lostSeconds, quota, retention: ownRetention } = values;
  const limits = own ? withLimits(base.limits, own) : base.limits;
  const retention = ownRetention ? policyOf(ownRetention) : base.retention;
  return {
    limits: lostSeconds === undefined ? limits : { ...limits, lostSeconds },
    quota: quota ? quotaOf(source, quota, base.quota) : base.quota,
    ...(retention !== undefined && { retention }),
  };
}

function quotaOf(
  source: YamlSource,
  { values, offset }: TableValues<typeof quotaKeys.keys>,
  base: Quota,
): Quota {
  const siteBytes = values.site ?? base.siteBytes;
  const reserveBytes = values.reserve ?? base.reserveBytes;
  if (siteBytes !== undefined && reserveBytes >= siteBytes) {
    const reason = `reserve, ${reserveBytes} bytes, leaves nothing of site, ${siteBytes} bytes`;
    addFault(source, offset, `cannot accept quota: ${reason}`);
  }
  const tokenBytes = values.token ?? base.tokenBytes;
  return {
    reserveBytes,
    ...(siteBytes !== undefined && { siteBytes }),
    ...(tokenBytes !== undefined && { tokenBytes }),
  };
}

type NamedProject = NamedValue<ProjectPrefix, TableValues<typeof projectKeys.keys>>;

interface ProjectBase {
  readonly base: Shared;
  /** where relative folders start */
  readonly folder: string;
}

function projectsOf(
  source: YamlSource,
  named: readonly NamedProject[],
  { base, folder }: ProjectBase,
): readonly Project[] {
  const projects: Project[] = [];
  for (const { name, keyOffset, value } of named) {
    const { site, title } = value.values;
    const shared = sharedOf(source, value.values, base);
    if (name === undefined || site === undefined) continue;
    const project = {
      ...{ prefix: name, folder: resolve(folder, site), ...shared },
      ...(title !== undefined && { title }),
    };
    for (const other of projects) {
      for (const reason of overlapsOf(project, other)) {
        addFault(source, keyOffset, `cannot accept project ${quote(name)}: ${reason}`);
      }
    }
    projects.push(project);
  }
  return projects;
}

/** Two projects share no folder, and apart from `/` no prefix is below another, so that each path has one project. */
function overlapsOf(project: Project, other: Project): readonly string[] {
  const contains = (above: string, below: string, slash: string): boolean =>
    below === above || below.startsWith(above.endsWith(slash) ? above : above + slash);
  const overlap = (a: string, b: string, slash: string): boolean =>
    contains(a, b, slash) || contains(b, a, slash);
  const reasons: string[] = [];
  if (overlap(project.folder, other.folder, sep)) {
    reasons.push(`its site ${quote(project.folder)} overlaps with the site of ${quote(other.prefix)}`);
  }
  const isRoot = [project.prefix, other.prefix].some((prefix) => prefix === '/');
  if (!isRoot && overlap(project.prefix, other.prefix, '/')) {
    reasons.push(`it overlaps with project ${quote(other.prefix)}`);
  }
  return reasons;
}

/** Parses a port. 0: any free one. */
export const parsePort = (text: string): Result<number> => parseWholeNumber(text, 'port', port);

export const parseLogFormat = (text: string): Result<LogFormat> => parseChoice(text, 'log', logFormats);

export const parseMetricsAccess = (text: string): Result<MetricsAccess> =>
  parseChoice(text, 'metrics', metricsAccesses);
