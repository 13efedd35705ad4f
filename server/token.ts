/** Tokens: their text, what is stored of them, and what one allows. Pure. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { JobName, WorkerHost } from '../model/name.js';
import { accept, quote, refuse, type Result } from '../model/result.js';

export const actions = ['append', 'event', 'status', 'admin'] as const;
export type Action = (typeof actions)[number];

/** What the site keeps of a token; never the token itself. Times are seconds since 1970, UTC. */
export interface StoredToken {
  readonly id: string;
  /** SHA-256 of the whole token, hexadecimal */
  readonly hash: string;
  readonly actions: readonly Action[];
  /** absent: every host */
  readonly host?: WorkerHost;
  /** job names with `*` for any run of characters; absent: every job */
  readonly jobs?: string;
  readonly created: number;
  readonly notBefore?: number;
  readonly expires?: number;
  readonly revoked?: number;
}

/** `soil_<type>_<id>_<random><check>`: a prefix that secret scanners can match, and a check that finds typing errors. */
const form = /^soil_([a-z]+)_([a-z0-9-]{1,40})_([0-9a-f]{64})([0-9a-f]{8})$/;

/** 256 random bits make a token. */
export function formatToken(id: string, random: Buffer): string {
  const start = `soil_upload_${id}_${random.toString('hex')}`;
  return start + checkOf(start);
}

const checkOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 8);

export const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex');

export function parseTokenId(text: string): Result<string> {
  if (/^[a-z0-9][a-z0-9-]{0,39}$/.test(text)) return accept(text);
  return refuse(`cannot accept token id ${quote(text)}: it must be 1 to 40 of a-z, 0-9 and "-"`);
}

/** The id in a token's text; undefined where the text is no token. Never put the text into a message. */
export function idOf(token: string): string | undefined {
  const [, , id, , check] = form.exec(token) ?? [];
  return check !== undefined && checkOf(token.slice(0, -check.length)) === check ? id : undefined;
}

/** Whether this is the stored token; takes the same time wherever they differ. */
export function isSame(token: string, stored: StoredToken): boolean {
  return timingSafeEqual(Buffer.from(hashOf(token), 'hex'), Buffer.from(stored.hash, 'hex'));
}

/** Why a token is not valid now; undefined where it is. */
export function lapse(stored: StoredToken, now: number): string | undefined {
  if (stored.revoked !== undefined) return 'it was revoked';
  if (stored.notBefore !== undefined && now < stored.notBefore) return 'it is not valid yet';
  if (stored.expires !== undefined && now >= stored.expires) return 'it has expired';
  return undefined;
}

export interface Request {
  readonly action: Action;
  readonly host?: WorkerHost;
  readonly job?: JobName;
}

/** Why a token does not allow a request; undefined where it does. */
export function scopeRefusal(stored: StoredToken, { action, host, job }: Request): string | undefined {
  if (!stored.actions.includes(action)) return `it does not allow ${quote(action)}`;
  if (stored.host !== undefined && host !== undefined && stored.host !== host) {
    return `it is for worker host ${quote(stored.host)}, not ${quote(host)}`;
  }
  if (stored.jobs !== undefined && job !== undefined && !matches(stored.jobs, job)) {
    return `it is for jobs ${quote(stored.jobs)}, not ${quote(job)}`;
  }
  return undefined;
}

function matches(pattern: string, name: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[.\\+?^$()|[\]{}]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`).test(name);
}
