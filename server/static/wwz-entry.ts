/** Finds the entry or folder at a path inside an open wwz. A folder without an index.html is listed. */
import { encodeSegment } from '../../model/path.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { gzipBody, gzipLength, plainBody, findReadingObstacle, type LocatedEntry } from '../../wwz/body.js';
import type { WwzEntry } from '../../wwz/directory.js';
import type { WwzFile } from '../../wwz/open.js';
import { contentType } from '../http/content-type.js';
import type { Representation } from '../http/send-representation.js';
import { areaHeaders, listingPolicy } from '../http/security-headers.js';
import { renderWwzListing } from '../pages/views/wwz-listing.js';

export type FoundInWwz =
  | { readonly kind: 'content'; readonly representation: Representation }
  /** for a folder without its trailing slash; `location` is relative */
  | { readonly kind: 'redirect'; readonly location: string }
  | { readonly kind: 'missing' };

export interface WwzPath {
  /** decoded path of the wwz, from the site's root */
  readonly wwzPath: string;
  /** decoded path inside the wwz; empty, or with a trailing slash, for a folder */
  readonly inside: string;
}

/** Finds a path in a wwz. Refuses an entry that exists and cannot be read. */
export async function findInWwz(file: WwzFile, path: WwzPath): Promise<Result<FoundInWwz>> {
  const { inside, wwzPath } = path;
  const isFolder = inside === '' || inside.endsWith('/');
  const entry = file.find(isFolder ? `${inside}index.html` : inside);
  if (entry !== undefined) return representEntry(file, entry);
  const folder = file.list(isFolder ? inside : `${inside}/`);
  if (folder === undefined) return accept({ kind: 'missing' });
  if (!isFolder) {
    return accept({ kind: 'redirect', location: `./${encodeSegment(inside.split('/').at(-1) ?? '')}/` });
  }
  const html = renderWwzListing({ wwzPath, inside, folder });
  return accept({ kind: 'content', representation: representListing(file, Buffer.from(html)) });
}

async function representEntry(file: WwzFile, entry: WwzEntry): Promise<Result<FoundInWwz>> {
  const reason = findReadingObstacle(entry);
  if (reason !== undefined) return refuse(`cannot read entry ${quote(entry.name)}: ${reason}`);
  const dataOffset = await file.dataOffset(entry);
  if (!dataOffset.ok) return dataOffset;
  const located: LocatedEntry = { source: file, entry, dataOffset: dataOffset.value };
  const representation: Representation = {
    type: contentType(entry.name),
    headers: areaHeaders('foreign'),
    tag: `${file.identity}-${entry.crc.toString(16)}`,
    modified: file.modified,
    size: entry.size,
    plain: (range) => plainBody(located, range),
    ...(entry.method === 8 && { gzip: { length: gzipLength(entry), body: () => gzipBody(located) } }),
  };
  return accept({ kind: 'content', representation });
}

function representListing(file: WwzFile, html: Buffer): Representation {
  return {
    type: 'text/html; charset=utf-8',
    headers: { ...areaHeaders('own'), 'Content-Security-Policy': listingPolicy },
    tag: `${file.identity}-list`,
    modified: file.modified,
    size: html.length,
    plain: ({ start, end } = { start: 0, end: html.length }) => Promise.resolve(html.subarray(start, end)),
  };
}
