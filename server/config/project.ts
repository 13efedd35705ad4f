/** A project on a server: where it answers, where its site is, and what it may take. Vocabulary; pure. */
import { accept, quote, refuse, type Result } from '../../model/result.js';
import type { ServerLimits } from './limits.js';
import type { RetentionPolicy } from './retention-policy.js';

declare const projectPrefixBrand: unique symbol;
/** `/`, or `/oils`, or `/team/oils`: without a slash at its end, but for the root. */
export type ProjectPrefix = string & { readonly [projectPrefixBrand]: true };

export const rootPrefix = '/' as ProjectPrefix;

export interface Quota {
  /** that the whole site may have; absent: as much as the disk has */
  readonly siteBytes?: number;
  /** of quota and disk, that uploads leave free: events and the status API go on when uploads no longer can */
  readonly reserveBytes: number;
}

export interface Project {
  readonly prefix: ProjectPrefix;
  /** the site's folder */
  readonly folder: string;
  /** on its pages; absent: as they were called before, or Soil */
  readonly title?: string;
  readonly limits: ServerLimits;
  readonly quota: Quota;
  /** absent: everything stays */
  readonly retention?: RetentionPolicy;
}

export const defaultQuota: Quota = { reserveBytes: 2 ** 20 };

/** What the server itself answers at its root, and what a site at `/` has there. */
const ownNames = [
  ...['results', 'event', 'artifacts', 'healthz', 'metrics', 'web', 'status-api', 'merges', 'history'],
  ...['github-jobs', 'srht-jobs', 'sourcehut-jobs', 'local-jobs'],
];

/** Reads a prefix. Its parts are words that need no percent-encoding, so that a path is compared as it was sent. */
export function parseProjectPrefix(text: string): Result<ProjectPrefix> {
  const because = (reason: string) => refuse(`cannot accept project ${quote(text)}: ${reason}`);
  if (text === '/') return accept(rootPrefix);
  if (text.length > 100 || !/^(\/[a-z0-9]([a-z0-9_-]*[a-z0-9])?)+$/.test(text)) {
    return because('it must be /, or words of a to z, 0 to 9, - and _, each behind a slash, like /oils');
  }
  const first = text.split('/')[1] ?? '';
  if (ownNames.includes(first)) return because(`the server has ${quote(`/${first}`)} itself`);
  return accept(text as ProjectPrefix);
}

/** Below which prefix a raw path is, and the rest with its leading slash; the longest prefix counts. */
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
