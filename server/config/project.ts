/** A project of a server: its prefix, its site and its limits. Pure. */
import { branchRoot, historyRoot, statusRoot } from '../../model/path.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import type { ServerLimits } from './limits.js';
import type { RetentionPolicy } from './retention-policy.js';

declare const projectPrefixBrand: unique symbol;
/** `/`, `/oils` or `/team/oils`: no slash at the end, except for the root. */
export type ProjectPrefix = string & { readonly [projectPrefixBrand]: true };

export const rootPrefix = '/' as ProjectPrefix;

export interface Quota {
  /** of the whole site; absent: the size of the disk */
  readonly siteBytes?: number;
  /** of each token that is limited; absent: a quarter of the site's */
  readonly tokenBytes?: number;
  /** of quota and disk; uploads leave them free, so that events and the status API still work */
  readonly reserveBytes: number;
}

export interface Project {
  readonly prefix: ProjectPrefix;
  /** the site's folder */
  readonly folder: string;
  /** absent: the title that the site already has, or Soil */
  readonly title?: string;
  readonly limits: ServerLimits;
  readonly quota: Quota;
  /** absent: everything is kept */
  readonly retention?: RetentionPolicy;
}

export const defaultQuota: Quota = { reserveBytes: 2 ** 20 };

/** Names of routes, and names at the root of a site. A project at `/` has both. */
const reservedNames = [
  ...['results', 'event', 'artifacts', 'prune', 'token', 'limits', 'healthz', 'readyz', 'metrics'],
  ...['web', branchRoot, historyRoot, statusRoot, 'merges'],
  ...['github-jobs', 'srht-jobs', 'sourcehut-jobs', 'local-jobs'],
];

/** Words that need no percent-encoding, so that the path of a request can be compared without decoding. */
export const prefixPattern = /^(\/|(\/[a-z0-9]([a-z0-9_-]*[a-z0-9])?)+)$/;

/** Parses a prefix. */
export function parseProjectPrefix(text: string): Result<ProjectPrefix> {
  const because = (reason: string) => refuse(`cannot accept project ${quote(text)}: ${reason}`);
  if (text === '/') return accept(rootPrefix);
  if (text.length > 100 || !prefixPattern.test(text)) {
    return because('it must be /, or words of a to z, 0 to 9, - and _, each after a slash, like /oils');
  }
  const first = text.split('/')[1] ?? '';
  if (reservedNames.includes(first))
    return because(`${quote(`/${first}`)} is an address of the server itself`);
  return accept(text as ProjectPrefix);
}

/** Finds the project with the longest prefix of a raw path. `rest`: the path after the prefix, with its slash. */
export function findProject<T extends { readonly prefix: ProjectPrefix }>(
  projects: readonly T[],
  path: string,
): { readonly project: T; readonly rest: string } | undefined {
  let found: T | undefined;
  for (const project of projects) {
    const { prefix } = project;
    const isBelow = prefix === rootPrefix || path === prefix || path.startsWith(`${prefix}/`);
    if (isBelow && prefix.length > (found?.prefix.length ?? 0)) found = project;
  }
  if (found === undefined) return undefined;
  return { project: found, rest: found.prefix === rootPrefix ? path : path.slice(found.prefix.length) };
}
