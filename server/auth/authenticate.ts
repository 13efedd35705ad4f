/** Finds out who sent a request, from its headers: a token as Bearer, or as the password of Basic. */
import type { IncomingHttpHeaders } from 'node:http';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { permits, type Permission, type StoredToken } from './token.js';
import type { TokenStore } from './token-store.js';

/** Who may change a site. */
export interface AccessPolicy {
  readonly tokens: TokenStore;
  /** requests from this machine need no token; only for a server on a loopback address */
  readonly isOpen: boolean;
}

/** Why a request may not do what it asks; `reason` is a whole sentence. */
export interface AccessRefusal {
  /** `unauthenticated`: without a valid token. `forbidden`: the sender is known, or needs none, and has no permission. */
  readonly kind: 'unauthenticated' | 'forbidden';
  readonly reason: string;
}

/** The sender of a request without a token to an open server. */
const anyone: StoredToken = {
  id: 'anyone-on-loopback',
  number: 1,
  sha256: '',
  actions: ['append', 'event', 'status'],
  jobs: '*',
  notBefore: 0,
};

/** Returns the token of the sender. `now` in seconds since 1970. */
export async function authenticate(
  { tokens, isOpen }: AccessPolicy,
  headers: IncomingHttpHeaders,
  now: number,
): Promise<Result<StoredToken, AccessRefusal>> {
  const { authorization } = headers;
  if (authorization === undefined) {
    if (!isOpen) return unauthenticated('cannot accept this request without a token');
    const local = checkLocal(headers);
    return local.ok ? accept(anyone) : refuse({ kind: 'forbidden', reason: local.error });
  }
  const token = parseAuthorization(authorization);
  if (token === undefined) {
    return unauthenticated(
      'cannot accept the Authorization header: it must be Bearer TOKEN, or Basic with the token as the password',
    );
  }
  const found = await tokens.find(token, now);
  return found.ok ? found : unauthenticated(found.error);
}

const unauthenticated = (reason: string) => refuse({ kind: 'unauthenticated', reason });

/** Checks that a token has a permission. */
export function checkPermission(token: StoredToken, permission: Permission): Result<true, AccessRefusal> {
  const permitted = permits(token, permission);
  return permitted.ok ? permitted : refuse({ kind: 'forbidden', reason: permitted.error });
}

function parseAuthorization(authorization: string): string | undefined {
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

/** Headers that proxies add. A request with one of them may come from any machine. */
const proxyHeaders = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip'] as const;

/**
 * Checks that a request comes from a program of this machine. A page in a browser of this machine does not count: it
 * sends an Origin that is not this server, or a host name that its owner made point here (DNS rebinding).
 */
function checkLocal(headers: IncomingHttpHeaders): Result<true> {
  const { host = '', origin } = headers;
  const proxyHeader = proxyHeaders.find((name) => headers[name] !== undefined);
  if (proxyHeader !== undefined) {
    return refuse(`cannot accept this request without a token: a proxy forwarded it (${quote(proxyHeader)})`);
  }
  const name = host.replace(/:\d+$/, '');
  if (name !== 'localhost' && name !== '[::1]' && !/^127\.\d+\.\d+\.\d+$/.test(name)) {
    return refuse(
      `cannot accept this request without a token for host ${quote(host)}: it is not a loopback name`,
    );
  }
  if (origin !== undefined && origin !== `http://${host}`) {
    return refuse(
      `cannot accept this request without a token from origin ${quote(origin)}: it is another site`,
    );
  }
  return accept(true);
}
