/** Parses the path of a request. Pure. */
import { parsePublicPath, type SitePath } from '../../model/path.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';

/** The path of a request, percent-decoded once. */
export interface RequestPath {
  /** without a trailing slash; empty for the site's root */
  readonly path: SitePath | '';
  readonly isFolder: boolean;
  /** with its question mark, as sent */
  readonly query: string;
}

/**
 * Returns the path and query of a request target (RFC 9112, 3.2): a proxy may send the whole URL, whose host is ignored,
 * because each server has one name for all its sites.
 */
export function originForm(target: string): string {
  const [, rest] = /^https?:\/\/[^/?#]*(.*)$/is.exec(target) ?? [];
  if (rest === undefined) return target;
  return rest.startsWith('/') ? rest : `/${rest}`;
}

/** Returns the path before the query, as sent. */
export function rawPath(url: string): string {
  const queryAt = url.indexOf('?');
  return queryAt < 0 ? url : url.slice(0, queryAt);
}

/** Parses a URL's path. Splits it before decoding: an encoded slash is not a separator, and is refused in a name. */
export function parseRequestPath(url: string): Result<RequestPath> {
  const queryAt = url.search(/[?#]/);
  const raw = queryAt < 0 ? url : url.slice(0, queryAt);
  const query = queryAt < 0 ? '' : url.slice(queryAt).split('#', 1).join('');
  if (!raw.startsWith('/')) return refuse(`cannot serve ${quote(raw)}: not a path`);
  const segments: string[] = [];
  for (const segment of raw.slice(1).split('/')) {
    const decoded = decodeSegment(segment);
    if (decoded === undefined) return refuse(`cannot serve ${quote(raw)}: invalid percent-encoding`);
    if (decoded.includes('/')) return refuse(`cannot serve ${quote(raw)}: a name has an encoded slash`);
    segments.push(decoded);
  }
  const isFolder = segments.at(-1) === '';
  if (isFolder) segments.pop();
  if (segments.length === 0) return accept({ path: '', isFolder: true, query });
  if (segments.includes('')) return refuse(`cannot serve ${quote(raw)}: a name in the path is empty`);
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
