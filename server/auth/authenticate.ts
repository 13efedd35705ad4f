/** A request's headers -> who asks, and whether they may: Bearer, or Basic with the token as the password. */
import type { IncomingHttpHeaders } from 'node:http';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import type { StoredToken } from './token.js';
import type { TokenStore } from './token-store.js';
import { problem, type HttpResponse } from '../http/response.js';

export interface Guard {
  readonly tokens: TokenStore;
  /** uploads need no token: only ever on a loopback address */
  readonly isOpen: boolean;
}

/** Who asks when the server is open: anyone on this machine. */
const anyone: StoredToken = {
  id: 'anyone-on-loopback',
  number: 1,
  sha256: '',
  actions: ['append', 'event', 'status'],
  jobs: '*',
  notBefore: 0,
};

export type Authentication =
  { readonly ok: true; readonly token: StoredToken } | { readonly ok: false; readonly answer: HttpResponse };

/** Finds out who asks; without a good token the answer is 401. `now` in seconds since 1970. */
export async function authenticate(
  guard: Guard,
  headers: IncomingHttpHeaders,
  now: number,
): Promise<Authentication> {
  const unauthorized = (text: string): Authentication => ({
    ok: false,
    answer: problem(401, text, { 'WWW-Authenticate': 'Basic realm="soil", charset="UTF-8", Bearer' }),
  });
  const { authorization } = headers;
  if (authorization === undefined) {
    if (!guard.isOpen) return unauthorized('cannot accept this without a token');
    const local = comesFromHere(headers);
    return local.ok ? { ok: true, token: anyone } : { ok: false, answer: problem(403, local.error) };
  }
  const token = tokenIn(authorization);
  if (token === undefined) {
    return unauthorized('cannot accept the Authorization header: it must be Bearer TOKEN, or Basic');
  }
  const found = await guard.tokens.find(token, now);
  return found.ok ? { ok: true, token: found.value } : unauthorized(found.error);
}

function tokenIn(authorization: string): string | undefined {
  const [, scheme = '', credentials = ''] = /^(\S+) +(\S+)$/.exec(authorization.trim()) ?? [];
  switch (scheme.toLowerCase()) {
    case 'bearer':
      return credentials;
    case 'basic': {
      const pair = Buffer.from(credentials, 'base64').toString('utf8');
      const colon = pair.indexOf(':');
      return colon < 0 ? undefined : pair.slice(colon + 1);
    }
    default:
      return undefined;
  }
}

/** What web servers add to a request that they pass on: it may come from anywhere. */
const passedOn = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip'] as const;

/**
 * An open server is open to programs of this machine: not to web pages that a browser of this machine shows (they send
 * an Origin that is not ours, or reach us by a name that they made point here), nor to the world before a web server.
 */
function comesFromHere(headers: IncomingHttpHeaders): Result<true> {
  const { host = '', origin } = headers;
  const sign = passedOn.find((name) => headers[name] !== undefined);
  if (sign !== undefined) {
    return refuse(`cannot accept this without a token: a web server passed it on (${quote(sign)})`);
  }
  const name = host.replace(/:\d+$/, '');
  if (name !== 'localhost' && name !== '[::1]' && !/^127\.\d+\.\d+\.\d+$/.test(name)) {
    return refuse(`cannot accept this without a token for host ${quote(host)}: it is no loopback name`);
  }
  if (origin !== undefined && origin !== `http://${host}`) {
    return refuse(`cannot accept this without a token from origin ${quote(origin)}: it is another site`);
  }
  return accept(true);
}
