/** What a GET asks for beside its path: encodings, validators and ranges, from its headers. Pure; RFC 9110. */
import type { ByteRange } from '../../wwz/body.js';

/** Whether Accept-Encoding (12.5.3) allows gzip: by its q-value, or by that of `*`; an absent header does not. */
export function acceptsGzip(header: string | undefined): boolean {
  if (header === undefined) return false;
  // What browsers send.
  if (header === 'gzip' || header.startsWith('gzip, ')) return true;
  let any = 0;
  for (const item of header.split(',')) {
    const [coding = '', ...parameters] = item.split(';').map((text) => text.trim().toLowerCase());
    const quality = qualityOf(parameters);
    if (coding === 'gzip' || coding === 'x-gzip') return quality > 0;
    if (coding === '*') any = quality;
  }
  return any > 0;
}

function qualityOf(parameters: readonly string[]): number {
  const q = parameters.find((p) => p.startsWith('q='))?.slice(2);
  if (q === undefined) return 1;
  return /^(0(\.\d{0,3})?|1(\.0{0,3})?)$/.test(q) ? Number(q) : 0;
}

/** Whether If-None-Match (13.1.2) names `etag`, or anything: compared weakly, since proxies weaken what they compress. */
export function matchesAny(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  if (header.trim() === '*') return true;
  const tags = header.match(/(?:W\/)?"[^"]*"/g) ?? [];
  return tags.some((tag) => tag.replace(/^W\//, '') === etag.replace(/^W\//, ''));
}

/** Whether Range is to be heeded: without If-Range (13.1.5), or with exactly this strong tag. A date never matches. */
export function rangeApplies(ifRange: string | undefined, etag: string): boolean {
  return ifRange === undefined || (!etag.startsWith('W/') && ifRange.trim() === etag);
}

export type RangeAnswer =
  | { readonly kind: 'whole' }
  | { readonly kind: 'part'; readonly range: ByteRange }
  | { readonly kind: 'unsatisfiable' };

/** Reads a Range header (14.2) for a body of `size` bytes. Several ranges, or another unit, get the whole body. */
export function parseRange(header: string | undefined, size: number): RangeAnswer {
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
