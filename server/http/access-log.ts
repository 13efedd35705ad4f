/** One line a request for the operator: JSON or text, with an id, and nothing that is secret. Pure. */
import { rawPath } from './request-path.js';
import type { LogFormat } from '../config/log-format.js';

export interface RequestLine {
  readonly id: string;
  /** seconds since 1970, UTC */
  readonly time: number;
  readonly method: string;
  /** as sent: the query, which may hold anything, is left out */
  readonly url: string;
  readonly status: number;
  readonly milliseconds: number;
  /** the prefix of the project that it was for */
  readonly project?: string | undefined;
  /** the id of the token, never the token */
  readonly token?: string | undefined;
}

export function formatRequestLine(line: RequestLine, format: LogFormat): string {
  const { id, time, method, url, status, milliseconds, project, token } = line;
  const when = formatTime(time);
  const path = rawPath(url).slice(0, 300);
  const ms = Math.round(milliseconds);
  switch (format) {
    case 'json': {
      // Written out: an object that is made and walked through for each request costs more than all of its values.
      const of = project === undefined ? '' : `,"project":${textOf(project)}`;
      const by = token === undefined ? '' : `,"token":${textOf(token)}`;
      const asked = `"id":${textOf(id)},"method":${textOf(method)},"path":${textOf(path)}`;
      return `{"time":"${when}",${asked},"status":${status},"ms":${ms}${of}${by}}`;
    }
    case 'text':
      return [
        ...[when, method, oneLine(path), status, `${ms}ms`, `id=${id}`],
        ...(project === undefined ? [] : [`project=${project}`]),
        ...(token === undefined ? [] : [`token=${token}`]),
      ].join(' ');
  }
}

/** A string in JSON. Most need no escape. */
const textOf = (text: string): string => (/^[\w./ -]*$/.test(text) ? `"${text}"` : JSON.stringify(text));

/** Lines of the same millisecond have the same text for it. */
function formatTime(time: number): string {
  const milliseconds = Math.trunc(time * 1000);
  if (milliseconds !== lastTime.milliseconds) {
    lastTime = { milliseconds, text: new Date(milliseconds).toISOString() };
  }
  return lastTime.text;
}

let lastTime = { milliseconds: 0, text: new Date(0).toISOString() };

/** A line that is about no request. */
export function formatNotice(time: number, message: string, format: LogFormat): string {
  const when = new Date(time * 1000).toISOString();
  switch (format) {
    case 'json':
      return JSON.stringify({ time: when, message });
    case 'text':
      return `${when} ${oneLine(message)}`;
  }
}

/** What a client sent must not look like another line, nor steer a terminal. */
const oneLine = (text: string): string =>
  text.replace(/[\p{Cc}\u2028\u2029]/gu, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
