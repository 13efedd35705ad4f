/** The raw path of a request -> the public path that it names, decoded once, or a refusal. Pure. */
import { parsePublicPath, type SitePath } from '../../model/path.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';

/** What a request names, decoded once. */
export interface Target {
  /** without a trailing slash; empty for the site's root */
  readonly path: SitePath | '';
  readonly isFolder: boolean;
  /** with its question mark, as it came */
  readonly query: string;
}

/** What stands before the query, as it came. */
export function rawPath(url: string): string {
  const queryAt = url.indexOf('?');
  return queryAt < 0 ? url : url.slice(0, queryAt);
}

/** Splits before it decodes: a slash that is encoded is no separator, and no name has one. */
export function parseTarget(url: string): Result<Target> {
  const queryAt = url.search(/[?#]/);
  const raw = queryAt < 0 ? url : url.slice(0, queryAt);
  const query = queryAt < 0 ? '' : url.slice(queryAt).split('#', 1).join('');
  if (!raw.startsWith('/')) return refuse(`cannot serve ${quote(raw)}: it is not a path`);
  const segments: string[] = [];
  for (const segment of raw.slice(1).split('/')) {
    const decoded = decodeSegment(segment);
    if (decoded?.includes('/') !== false) return refuse(`cannot serve ${quote(raw)}: it is not well encoded`);
    segments.push(decoded);
  }
  const isFolder = segments.at(-1) === '';
  if (isFolder) segments.pop();
  if (segments.length === 0) return accept({ path: '', isFolder: true, query });
  const path = parsePublicPath(segments.join('/'));
  return path.ok ? accept({ path: path.value, isFolder, query }) : path;
}

function decodeSegment(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}
