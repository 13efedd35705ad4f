/** One line a request for the operator: JSON, with an id, and nothing that is secret. Pure. */

export interface RequestLine {
  readonly id: string;
  /** seconds since 1970, UTC */
  readonly time: number;
  readonly method: string;
  /** as sent: the query, which may hold anything, is left out */
  readonly url: string;
  readonly status: number;
  readonly milliseconds: number;
  /** the id of the token, never the token */
  readonly token?: string;
}

export function formatRequestLine(line: RequestLine): string {
  const { id, time, method, url, status, milliseconds, token } = line;
  return JSON.stringify({
    time: new Date(time * 1000).toISOString(),
    id,
    method,
    path: (url.split('?')[0] ?? '').slice(0, 300),
    status,
    ms: Math.round(milliseconds),
    ...(token !== undefined && { token }),
  });
}

/** A line that is about no request. */
export function formatNotice(time: number, message: string): string {
  return JSON.stringify({ time: new Date(time * 1000).toISOString(), message });
}
