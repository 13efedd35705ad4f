/** The responses of a static site that are not files: not found, removed, redirects and refusals. Pure. */
import type { IncomingMessage } from 'node:http';
import { quote } from '../../model/result.js';
import { headerOf } from '../http/request-headers.js';
import { rawPath } from '../http/request-path.js';
import { text, type HttpResponse } from '../http/response.js';
import { areaHeaders } from '../http/security-headers.js';
import { renderNotFound } from '../pages/views/not-found-page.js';

/** Returns 404, or 410 for a file that was removed: the message as text, or for browsers as a page with links. */
export function notFoundResponse(
  { headers, url = '/' }: Pick<IncomingMessage, 'headers' | 'url'>,
  status: 404 | 410,
  message: string,
): HttpResponse {
  // Browsers accept text/html for an address that they open, but not for what a page loads. Most programs never do.
  if (headers.accept?.includes('text/html') !== true) return text(status, `${message}\n`);
  const html = renderNotFound({ rawPath: rawPath(url), message, isRemoved: status === 410 });
  return text(status, `${html.trimEnd()}\n`, {
    type: 'text/html; charset=utf-8',
    headers: { ...areaHeaders('own'), 'Cache-Control': 'no-store', Vary: 'Accept' },
  });
}

export const noSuchFile = (request: IncomingMessage): HttpResponse =>
  notFoundResponse(request, 404, `cannot find ${quote(request.url ?? '', 300)}: no such file in the site`);

/** `location` is relative, so that the redirect works under any prefix that a proxy removes. */
export const folderRedirect = (location: string): HttpResponse =>
  text(301, 'this is a folder\n', { headers: { Location: location, 'Cache-Control': 'no-cache' } });

export const wrongFileMethod = (method = ''): HttpResponse =>
  text(405, `cannot accept method ${quote(method, 20)}: it must be GET or HEAD\n`, {
    headers: { Allow: 'GET, HEAD' },
  });

/**
 * Refuses a request for a service worker: a script of a task would then intercept requests for the site's own pages.
 */
export const serviceWorkerRefusal = (request: IncomingMessage): HttpResponse | undefined =>
  headerOf(request, 'service-worker') === undefined
    ? undefined
    : text(403, 'cannot serve this as a service worker: a task wrote it\n');
