/** Serves a site's folder by GET and HEAD: its files, and the entries of its wwz files as if they were folders. */
import { realpath, stat } from 'node:fs/promises';
import type { BigIntStats } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { errorMessage } from '../../model/error-message.js';
import { encodeSegment, parsePublicPath } from '../../model/path.js';
import { quote } from '../../model/result.js';
import { EntryDamage } from '../../wwz/body.js';
import { fileIdentity } from '../../wwz/open.js';
import { parseRequestPath, type RequestPath } from '../http/request-path.js';
import { sendResponse, text, type HttpExchange, type HttpResponse } from '../http/response.js';
import { areaOf } from '../http/security-headers.js';
import { sendRepresentation } from '../http/send-representation.js';
import { ResponseCache, type ResponseCacheOptions } from './response-cache.js';
import { findInSite, isNotFoundError, openSiteFile } from './site-file.js';
import {
  folderRedirect,
  noSuchFile,
  notFoundResponse,
  serviceWorkerRefusal,
  wrongFileMethod,
} from './static-responses.js';
import { WwzCache, type WwzCacheOptions } from './wwz-cache.js';
import { findInWwz } from './wwz-entry.js';

export interface StaticSiteOptions extends WwzCacheOptions {
  /**
   * called with failures of the server, such as a damaged wwz or an error of the disk; by default they are not reported
   */
  readonly report?: (message: string) => void;
  /** returns why the file at a path was removed; undefined if it was not removed */
  readonly removed?: (path: string) => string | undefined;
  readonly responses?: ResponseCacheOptions;
  /** monotonic, in milliseconds */
  readonly clock?: () => number;
}

/** A site that is being served. */
export interface StaticSite {
  /** real path of the folder */
  readonly root: string;
  readonly wwzFiles: WwzCache;
  readonly responses: ResponseCache;
  readonly clock: () => number;
  readonly report: (message: string) => void;
  readonly removed: (path: string) => string | undefined;
  /** Closes the wwz files. Requests in progress finish first. */
  close(): Promise<void>;
}

/** Prepares a folder for serving. Rejects if it does not exist. */
export async function openStaticSite(folder: string, options: StaticSiteOptions = {}): Promise<StaticSite> {
  const wwzFiles = new WwzCache(options);
  const report = options.report ?? (() => undefined);
  const removed = options.removed ?? (() => undefined);
  const clock = options.clock ?? (() => performance.now());
  const root = await realpath(folder);
  const responses = new ResponseCache(root, clock, options.responses);
  const close = (): Promise<void> => {
    responses.clear();
    return wwzFiles.close();
  };
  return { root, wwzFiles, responses, clock, report, removed, close };
}

/**
 * Responds to a request. `request.url` is the raw path below the site's prefix, with its leading slash; `id` is sent as
 * X-Request-Id. Never rejects: failures of the server are reported. Resolves when nothing more is read for the request.
 */
export function serveSite(
  site: StaticSite,
  request: IncomingMessage,
  response: ServerResponse,
  id: string,
): Promise<void> {
  const exchange: HttpExchange = { request, response };
  return site.responses.send(exchange, id) ? alreadySent : serveUncached(site, exchange, id);
}

const alreadySent = Promise.resolve();

async function serveUncached(site: StaticSite, exchange: HttpExchange, id: string): Promise<void> {
  const { request, response } = exchange;
  try {
    response.setHeader('X-Request-Id', id);
    const other = await serve(site, exchange);
    if (other !== undefined) sendResponse(exchange, other);
  } catch (error) {
    // A client that disconnects is not a failure.
    const isFailure = error instanceof EntryDamage || !isDisconnect(error);
    if (isFailure) site.report(`cannot serve ${quote(request.url ?? '')}: ${errorMessage(error)}`);
    if (response.headersSent) response.destroy();
    else sendResponse(exchange, text(500, 'cannot serve this: internal server error\n'));
  }
}

function isDisconnect(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  return ['ERR_STREAM_PREMATURE_CLOSE', 'ECONNRESET', 'EPIPE', 'ERR_STREAM_DESTROYED'].includes(code);
}

/** Sends the file or entry at a path. If there is none, returns the response to send instead. */
async function serve(site: StaticSite, exchange: HttpExchange): Promise<HttpResponse | undefined> {
  const { request } = exchange;
  if (request.method !== 'GET' && request.method !== 'HEAD') return wrongFileMethod(request.method);
  const path = parseRequestPath(request.url ?? '');
  if (!path.ok) return notFoundResponse(request, 404, path.error);
  const checked = site.clock();
  const wwz = await findWwz(site, path.value);
  return wwz === undefined
    ? serveFile(site, exchange, { ...path.value, checked })
    : serveEntry(site, exchange, { ...wwz, checked });
}

interface PathInWwz {
  readonly real: string;
  readonly identity: string;
  /** from the site's root */
  readonly wwzPath: string;
  readonly inside: string;
  readonly query: string;
}

/** Finds the first part of the path that is a file named `*.wwz`, with a slash after it. */
async function findWwz(
  site: StaticSite,
  { path, isFolder, query }: RequestPath,
): Promise<PathInWwz | undefined> {
  const segments = path.split('/');
  for (const [index, segment] of segments.entries()) {
    const isLast = index === segments.length - 1;
    if (!segment.endsWith('.wwz') || (isLast && !isFolder)) continue;
    const wwzPath = segments.slice(0, index + 1).join('/');
    const real = await findInSite(site.root, wwzPath);
    const stats = real === undefined ? undefined : await statIfExists(real);
    if (real === undefined || stats?.isFile() !== true) continue;
    const rest = segments.slice(index + 1).join('/');
    const inside = isFolder && rest !== '' ? `${rest}/` : rest;
    return { real, identity: fileIdentity(stats), wwzPath, inside, query };
  }
  return undefined;
}

async function statIfExists(path: string): Promise<BigIntStats | undefined> {
  try {
    return await stat(path, { bigint: true });
  } catch (error) {
    if (isNotFoundError(error)) return undefined;
    throw error;
  }
}

async function serveEntry(
  site: StaticSite,
  exchange: HttpExchange,
  wwz: PathInWwz & { readonly checked: number },
): Promise<HttpResponse | undefined> {
  const refusal = serviceWorkerRefusal(exchange.request);
  if (refusal !== undefined) return refusal;
  const lease = await site.wwzFiles.lease(wwz.real, wwz.identity);
  if (!lease.ok) throw new Error(lease.error);
  try {
    const found = await findInWwz(lease.value.file, wwz);
    if (!found.ok) throw new Error(found.error);
    switch (found.value.kind) {
      case 'content':
        site.responses.add(exchange, await sendRepresentation(exchange, found.value.representation), {
          ...{ path: wwz.wwzPath, identity: lease.value.file.identity, checked: wwz.checked },
        });
        return undefined;
      case 'redirect':
        return folderRedirect(found.value.location + wwz.query);
      case 'missing':
        return noSuchFile(exchange.request);
    }
  } finally {
    lease.value.release();
  }
}

async function serveFile(
  site: StaticSite,
  exchange: HttpExchange,
  { path, isFolder, query, checked }: RequestPath & { readonly checked: number },
): Promise<HttpResponse | undefined> {
  const { request } = exchange;
  const parsed = parsePublicPath(isFolder ? `${path}${path === '' ? '' : '/'}index.html` : path);
  const real = parsed.ok ? await findInSite(site.root, parsed.value) : undefined;
  if (!parsed.ok || real === undefined) {
    const removed = site.removed(path);
    return removed === undefined ? noSuchFile(request) : notFoundResponse(request, 410, removed);
  }
  const refusal = areaOf(parsed.value) === 'foreign' ? serviceWorkerRefusal(request) : undefined;
  if (refusal !== undefined) return refusal;
  const opened = await openSiteFile(real, parsed.value);
  switch (opened.kind) {
    case 'file':
      try {
        site.responses.add(exchange, await sendRepresentation(exchange, opened.representation), {
          ...{ path: parsed.value, identity: opened.representation.tag, checked },
        });
      } finally {
        await opened.handle.close();
      }
      return undefined;
    case 'folder':
      if (isFolder) return noSuchFile(request);
      return folderRedirect(`./${encodeSegment(path.split('/').at(-1) ?? '')}/${query}`);
    case 'missing':
      return noSuchFile(request);
  }
}
