/** Formats the access log: one line per request, JSON or text, without secrets. Pure. */
import { rawPath } from './request-path.js';
import type { LogFormat } from '../config/log-format.js';

export interface RequestLine {
  readonly id: string;
  /** seconds since 1970, UTC */
  readonly time: number;
  readonly method: string;
  /** as sent; the query is not logged, since it may have secrets */
  readonly url: string;
  readonly status: number;
  readonly milliseconds: number;
  /** the prefix of the project */
  readonly project?: string | undefined;
  /** the id of the token, never the token */
  readonly token?: string | undefined;
}

/** Formats the line of a request, without a line break. */
export function formatRequestLine(line: RequestLine, format: LogFormat): string {
  const { id, time, method, url, status, milliseconds, project, token } = line;
  const when = formatTime(time);
  const path = rawPath(url).slice(0, 300);
  const ms = Math.round(milliseconds);
  switch (format) {
    case 'json': {
      // By hand: an object and JSON.stringify() for each request cost more than formatting all of its values.
      const projectField = project === undefined ? '' : `,"project":${jsonString(project)}`;
      const tokenField = token === undefined ? '' : `,"token":${jsonString(token)}`;
      const requestFields = `"id":${jsonString(id)},"method":${jsonString(method)},"path":${jsonString(path)}`;
      return `{"time":"${when}",${requestFields},"status":${status},"ms":${ms}${projectField}${tokenField}}`;
    }
    case 'text':
      return [
        ...[when, method, escapeControls(path), status, `${ms}ms`, `id=${id}`],
        ...(project === undefined ? [] : [`project=${project}`]),
        ...(token === undefined ? [] : [`token=${token}`]),
      ].join(' ');
  }
}

/** Formats a string as JSON. Most need no escape. */
const jsonString = (text: string): string => (/^[\w./ -]*$/.test(text) ? `"${text}"` : JSON.stringify(text));

/** Formats a time, once for all lines of the same millisecond. */
function formatTime(time: number): string {
  const milliseconds = Math.trunc(time * 1000);
  if (milliseconds !== lastTime.milliseconds) {
    lastTime = { milliseconds, text: new Date(milliseconds).toISOString() };
  }
  return lastTime.text;
}

let lastTime = { milliseconds: 0, text: new Date(0).toISOString() };

/** Formats a line that is not about a request. */
export function formatNotice(time: number, message: string, format: LogFormat): string {
  const when = new Date(time * 1000).toISOString();
  switch (format) {
    case 'json':
      return JSON.stringify({ time: when, message });
    case 'text':
      return `${when} ${escapeControls(message)}`;
  }
}

/** Escapes what a client sent, so that it can neither forge a line nor control a terminal. */
const escapeControls = (text: string): string =>
  text.replace(/[\p{Cc}\u2028\u2029]/gu, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
