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
