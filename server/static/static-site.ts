/** GET and HEAD of a site's folder: its files, and what is inside its wwz files as if they were folders. */
import { realpath, stat } from 'node:fs/promises';
import type { BigIntStats } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { errorMessage } from '../../model/error-message.js';
import { encodeSegment, parsePublicPath } from '../../model/path.js';
import { quote } from '../../model/result.js';
import { EntryDamage } from '../../wwz/body.js';
import { fileIdentity } from '../../wwz/open.js';
import { ResponseCaches } from './response-caches.js';
import type { ResponseCacheOptions } from './response-cache.js';
import { sendNotFound } from './not-found.js';
import { sendRepresentation, sendText, type Exchange } from '../http/send-representation.js';
import { areaOf } from '../http/security-headers.js';
import { findInSite, isNotFoundError, openSiteFile } from './site-file.js';
import { parseTarget, type Target } from '../http/request-path.js';
import { WwzCache, type WwzCacheOptions } from './wwz-cache.js';
import { findInWwz } from './wwz-entry.js';

export interface StaticSiteOptions extends WwzCacheOptions {
  /** told of what went wrong on our side: a damaged wwz, an error of the disk; nothing by default */
  readonly report?: (message: string) => void;
  /** why a file that is not there was removed; undefined where it never was */
  readonly removed?: (path: string) => string | undefined;
  readonly hot?: ResponseCacheOptions;
  /** in milliseconds, from any point on; never goes back */
  readonly clock?: () => number;
}

/** A site that is being served. */
export interface StaticSite {
  /** real path of the folder */
  readonly root: string;
  readonly cache: WwzCache;
  readonly hot: ResponseCaches;
  readonly clock: () => number;
  readonly report: (message: string) => void;
  readonly removed: (path: string) => string | undefined;
  /** Closes the wwz files; a request that is under way finishes first on its own. */
  close(): Promise<void>;
}

/** Prepares a folder for serving. Throws where it is not there. */
export async function openStaticSite(folder: string, options: StaticSiteOptions = {}): Promise<StaticSite> {
  const cache = new WwzCache(options);
  const report = options.report ?? (() => undefined);
  const removed = options.removed ?? (() => undefined);
  const clock = options.clock ?? (() => performance.now());
  const root = await realpath(folder);
  const hot = new ResponseCaches(root, clock, options.hot);
  const close = (): Promise<void> => {
    hot.clear();
    return cache.close();
  };
  return { root, cache, hot, clock, report, removed, close };
}

/**
 * Answers a request; `request.url` is the raw path below the site's prefix, with its leading slash, and `id` goes out as
 * X-Request-Id. Always answers, and never throws: what goes wrong on our side is reported. Ends when nothing more is read
 * for the request.
 */
export function serveSite(
  site: StaticSite,
  request: IncomingMessage,
  response: ServerResponse,
  id: string,
): Promise<void> {
  const exchange: Exchange = { request, response };
  return site.hot.send(exchange, id) ? nothingMore : answerAnew(site, exchange, id);
}

const nothingMore = Promise.resolve();

async function answerAnew(site: StaticSite, exchange: Exchange, id: string): Promise<void> {
  const { request, response } = exchange;
  try {
    response.setHeader('X-Request-Id', id);
    await answer(site, exchange);
  } catch (error) {
    // A client that leaves in the middle is nobody's fault.
    const isOurs = error instanceof EntryDamage || !isDeparture(error);
    if (isOurs) site.report(`cannot serve ${quote(request.url ?? '')}: ${errorMessage(error)}`);
    if (response.headersSent) response.destroy();
    else sendText(exchange, 500, { text: 'cannot serve this: something is wrong on the server' });
  }
}

function isDeparture(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  return ['ERR_STREAM_PREMATURE_CLOSE', 'ECONNRESET', 'EPIPE', 'ERR_STREAM_DESTROYED'].includes(code);
}

async function answer(site: StaticSite, exchange: Exchange): Promise<void> {
  const { request } = exchange;
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    sendText(exchange, 405, {
      text: `cannot ${quote(request.method ?? '', 20)} a file: it must be GET or HEAD`,
      headers: { Allow: 'GET, HEAD' },
    });
    return;
  }
  const target = parseTarget(request.url ?? '');
  if (!target.ok) {
    sendNotFound(exchange, 404, target.error);
    return;
  }
  const checked = site.clock();
  const wwz = await findWwz(site, target.value);
  await (wwz === undefined
    ? answerFile(site, exchange, { ...target.value, checked })
    : answerEntry(site, exchange, { ...wwz, checked }));
}

interface InsideWwz {
  readonly real: string;
  readonly identity: string;
  /** from the site's root */
  readonly wwzPath: string;
  readonly inside: string;
  readonly query: string;
}

/** The first part of the path that is a file called `*.wwz` and has something behind it, if only a slash. */
async function findWwz(site: StaticSite, { path, isFolder, query }: Target): Promise<InsideWwz | undefined> {
  const segments = path.split('/');
  for (const [index, segment] of segments.entries()) {
    const isLast = index === segments.length - 1;
    if (!segment.endsWith('.wwz') || (isLast && !isFolder)) continue;
    const wwzPath = segments.slice(0, index + 1).join('/');
    const real = await findInSite(site.root, wwzPath);
    const stats = real === undefined ? undefined : await statIfThere(real);
    if (real === undefined || stats?.isFile() !== true) continue;
    const rest = segments.slice(index + 1).join('/');
    const inside = isFolder && rest !== '' ? `${rest}/` : rest;
    return { real, identity: fileIdentity(stats), wwzPath, inside, query };
  }
  return undefined;
}

async function statIfThere(path: string): Promise<BigIntStats | undefined> {
  try {
    return await stat(path, { bigint: true });
  } catch (error) {
    if (isNotFoundError(error)) return undefined;
    throw error;
  }
}

async function answerEntry(
  site: StaticSite,
  exchange: Exchange,
  wwz: InsideWwz & { readonly checked: number },
): Promise<void> {
  if (refuseServiceWorker(exchange)) return;
  const lease = await site.cache.lease(wwz.real, wwz.identity);
  if (!lease.ok) throw new Error(lease.error);
  try {
    const found = await findInWwz(lease.value.file, wwz);
    if (!found.ok) throw new Error(found.error);
    switch (found.value.kind) {
      case 'content':
        site.hot.keep(exchange, await sendRepresentation(exchange, found.value.representation), {
          ...{ path: wwz.wwzPath, identity: lease.value.file.identity, checked: wwz.checked },
        });
        return;
      case 'redirect':
        redirect(exchange, found.value.location + wwz.query);
        return;
      case 'nothing':
        sendNothing(exchange);
        return;
    }
  } finally {
    lease.value.release();
  }
}

async function answerFile(
  site: StaticSite,
  exchange: Exchange,
  target: Target & { readonly checked: number },
): Promise<void> {
  const slash = target.path === '' ? '' : '/';
  const parsed = parsePublicPath(target.isFolder ? `${target.path}${slash}index.html` : target.path);
  const real = parsed.ok ? await findInSite(site.root, parsed.value) : undefined;
  if (!parsed.ok || real === undefined) {
    const removed = site.removed(target.path);
    if (removed === undefined) sendNothing(exchange);
    else sendNotFound(exchange, 410, removed);
    return;
  }
  const isForeign = areaOf(parsed.value) === 'foreign';
  if (isForeign && refuseServiceWorker(exchange)) return;
  const opened = await openSiteFile(real, parsed.value);
  switch (opened.kind) {
    case 'file':
      try {
        site.hot.keep(exchange, await sendRepresentation(exchange, opened.representation), {
          ...{ path: parsed.value, identity: opened.representation.tag, checked: target.checked },
        });
      } finally {
        await opened.handle.close();
      }
      return;
    case 'folder':
      if (target.isFolder) sendNothing(exchange);
      else redirect(exchange, `./${encodeSegment(target.path.split('/').at(-1) ?? '')}/${target.query}`);
      return;
    case 'nothing':
      sendNothing(exchange);
      return;
  }
}

/** A script of a task that became a service worker would answer for the site's pages from then on. */
function refuseServiceWorker(exchange: Exchange): boolean {
  if (exchange.request.headers['service-worker'] === undefined) return false;
  sendText(exchange, 403, { text: 'cannot serve this as a service worker: a task wrote it' });
  return true;
}

/** Relative, so that it holds under any prefix that a web server in front may have taken off. */
function redirect(exchange: Exchange, location: string): void {
  sendText(exchange, 301, {
    text: 'it is a folder',
    headers: { Location: location, 'Cache-Control': 'no-cache' },
  });
}

function sendNothing(exchange: Exchange): void {
  const { url = '' } = exchange.request;
  sendNotFound(exchange, 404, `cannot find ${quote(url, 300)}: the site has no such file`);
}
