/** Identifies the sender of a request by the token in its headers: Bearer, or the password of Basic. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { permits, type Permission, type StoredToken } from './token.js';
import type { TokenStore } from './token-store.js';

/** Which requests may change a site. */
export interface AccessPolicy {
  readonly tokens: TokenStore;
  /** requests from this machine need no token; only for a server on a loopback address */
  readonly isOpen: boolean;
}

/** Why a request was refused; `reason` is the whole message. */
export interface AccessRefusal {
  /** `unauthenticated`: the request has no valid token. `forbidden`: its token, or this machine, lacks a permission. */
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
 * Returns why a request without a token may come from another machine; undefined if a program of this machine sent it
 * directly.
 */
export function refuseRemote({ headers, socket }: IncomingMessage): string | undefined {
  const address = (socket.remoteAddress ?? '').replace(/^::ffff:/i, '');
  if (address !== '::1' && !address.startsWith('127.')) {
    return 'cannot accept this request from another machine without a token';
  }
  const local = checkLocal(headers);
  return local.ok ? undefined : local.error;
}

/**
 * Checks that a request comes from a program of this machine. Refuses a page in a browser of this machine, which sends
 * the Origin of another server, or a host name that its owner made resolve to this machine (DNS rebinding).
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
