/** A request for what is not there -> its answer: one sentence, and for a browser a page that leads on. */
import { headerOf, sendText, type Exchange } from '../http/send-representation.js';
import { areaHeaders } from '../http/security-headers.js';
import { rawPath } from '../http/request-path.js';
import { renderNotFound } from '../pages/views/not-found-page.js';

/** 404: it never was there, as far as anybody knows; 410: it was removed. */
export function sendNotFound(exchange: Exchange, status: 404 | 410, message: string): void {
  const { request } = exchange;
  // A browser that goes to an address asks for text/html; programs, and what a page loads, do not.
  if (headerOf(request, 'accept')?.includes('text/html') !== true) {
    sendText(exchange, status, { text: message });
    return;
  }
  const html = renderNotFound({ rawPath: rawPath(request.url ?? '/'), message, isRemoved: status === 410 });
  sendText(exchange, status, {
    text: html.trimEnd(),
    headers: {
      ...areaHeaders('own'),
      'Content-Type': 'text/html; charset=utf-8',
      'Cache-Control': 'no-store',
      Vary: 'Accept',
    },
  });
}
