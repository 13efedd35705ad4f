/** Parses the headers of a GET: encodings, validators and ranges. Pure. Sections are of RFC 9110. */
import type { IncomingMessage } from 'node:http';
import type { ByteRange } from '../../wwz/body.js';

/** Returns a header's value, with the values of repeated lines joined by commas. */
export function headerOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

/**
 * Reports whether Accept-Encoding (12.5.3) allows gzip, by its q-value or that of `*`. An absent header does not.
 * docs/decisions/0012 compares this and parseRange() with libraries.
 */
export function acceptsGzip(header: string | undefined): boolean {
  if (header === undefined) return false;
  // Browsers send this.
  if (header === 'gzip' || header.startsWith('gzip, ')) return true;
  let anyQuality = 0;
  for (const item of header.split(',')) {
    const [coding = '', ...parameters] = item.split(';').map((text) => text.trim().toLowerCase());
    const quality = qualityOf(parameters);
    if (coding === 'gzip' || coding === 'x-gzip') return quality > 0;
    if (coding === '*') anyQuality = quality;
  }
  return anyQuality > 0;
}

function qualityOf(parameters: readonly string[]): number {
  const q = parameters.find((p) => p.startsWith('q='))?.slice(2);
  if (q === undefined) return 1;
  return /^(0(\.\d{0,3})?|1(\.0{0,3})?)$/.test(q) ? Number(q) : 0;
}

/**
 * Reports whether If-None-Match (13.1.2) has `etag` or `*`. Compares weakly, since proxies that compress make tags
 * weak.
 */
export function matchesAny(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  if (header.trim() === '*') return true;
  const tags = header.match(/(?:W\/)?"[^"]*"/g) ?? [];
  return tags.some((tag) => tag.replace(/^W\//, '') === etag.replace(/^W\//, ''));
}

/** What the conditions of a request are about: the representation that it would get. */
export interface Validators {
  /** with its quotes */
  readonly tag: string;
  /** when it last changed, in whole seconds since 1970 */
  readonly modified: number;
}

/**
 * Evaluates the conditions of a GET or HEAD in the order of 13.2.2: `unchanged` is answered with 304, `failed` with 412.
 * A date is ignored if a tag is given, and if it is not an HTTP date.
 */
export function evaluateConditions(
  { headers }: Pick<IncomingMessage, 'headers'>,
  { tag, modified }: Validators,
): 'proceed' | 'unchanged' | 'failed' {
  const ifMatch = headers['if-match'];
  if (ifMatch !== undefined) {
    if (!matchesStrongly(ifMatch, tag)) return 'failed';
  } else {
    const since = parseHttpDate(headers['if-unmodified-since']);
    if (since !== undefined && modified > since) return 'failed';
  }
  const ifNoneMatch = headers['if-none-match'];
  if (ifNoneMatch !== undefined) return matchesAny(ifNoneMatch, tag) ? 'unchanged' : 'proceed';
  const since = parseHttpDate(headers['if-modified-since']);
  return since !== undefined && modified <= since ? 'unchanged' : 'proceed';
}

/** Reports whether If-Match (13.1.1) has exactly this strong tag, or `*`. */
function matchesStrongly(header: string, tag: string): boolean {
  if (header.trim() === '*') return true;
  const tags: readonly string[] = header.match(/(?:W\/)?"[^"]*"/g) ?? [];
  return !tag.startsWith('W/') && tags.includes(tag);
}

/** Parses the three forms of an HTTP date (5.6.7) to seconds since 1970. Returns undefined for anything else. */
export function parseHttpDate(text: string | undefined): number | undefined {
  if (text === undefined || !/^[A-Z][a-z]+,? .*\d\d:\d\d:\d\d( GMT| \d{4})$/.test(text)) return undefined;
  // The form without a zone is UTC.
  const milliseconds = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`);
  return Number.isNaN(milliseconds) ? undefined : milliseconds / 1000;
}

/** Formats seconds since 1970 as an HTTP date: `Sun, 06 Nov 1994 08:49:37 GMT`. */
export const formatHttpDate = (seconds: number): string => new Date(seconds * 1000).toUTCString();

/** Reports whether Range applies: without If-Range (13.1.5), or with exactly this strong tag. A date never matches. */
export function rangeApplies(ifRange: string | undefined, etag: string): boolean {
  return ifRange === undefined || (!etag.startsWith('W/') && ifRange.trim() === etag);
}

export type RangeSelection =
  | { readonly kind: 'whole' }
  | { readonly kind: 'part'; readonly range: ByteRange }
  | { readonly kind: 'unsatisfiable' };

/** Parses a Range header (14.2) for a body of `size` bytes. Several ranges, or another unit, select the whole body. */
export function parseRange(header: string | undefined, size: number): RangeSelection {
  const match = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i.exec(header ?? '');
  const first = match?.[1] ?? '';
  const last = match?.[2] ?? '';
  if (match === null || (first === '' && last === '')) return { kind: 'whole' };
  if (first === '') {
    const start = Math.max(0, size - Number(last));
    return start < size ? { kind: 'part', range: { start, end: size } } : { kind: 'unsatisfiable' };
  }
  const start = Number(first);
  const end = last === '' ? size : Math.min(size, Number(last) + 1);
  if (last !== '' && Number(last) < start) return { kind: 'whole' };
  return start < size ? { kind: 'part', range: { start, end } } : { kind: 'unsatisfiable' };
}
