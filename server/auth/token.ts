/** Creates and verifies tokens, and checks their permissions. Only the SHA-256 of a token is stored. */
import { createHash, randomInt, timingSafeEqual } from 'node:crypto';
import { matchesPattern, workerHosts, type JobName, type WorkerHost } from '../../model/name.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';

const tokenActions = ['append', 'event', 'status', 'prune', 'metrics'] as const;
export type TokenAction = (typeof tokenActions)[number];

/** A token as the site stores it. Times in seconds since 1970, UTC. */
export interface StoredToken {
  readonly id: string;
  /** distinguishes tokens of the same id; from 1 */
  readonly number: number;
  /** of the whole token, in hexadecimal */
  readonly sha256: string;
  readonly actions: readonly TokenAction[];
  /** a job name, with `*` for any characters */
  readonly jobs: string;
  /** absent: any */
  readonly workerHost?: WorkerHost;
  readonly notBefore: number;
  readonly expires?: number;
  readonly revoked?: number;
}

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** 32 characters of 62 are 190 random bits. */
const randomLength = 32;
const checksumLength = 6;

/**
 * Returns a new token, `soil_ci_ID_` and 38 letters and digits. Scanners for leaked secrets verify the checksum
 * offline.
 */
export function generateToken(id: string): string {
  const random = Array.from({ length: randomLength }, () => alphabet[randomInt(alphabet.length)]).join('');
  const body = `soil_ci_${id}_${random}`;
  return body + checksumOf(body);
}

function checksumOf(body: string): string {
  let value = createHash('sha256').update(body).digest().readUIntBE(0, 6);
  let checksum = '';
  for (let i = 0; i < checksumLength; i++) {
    checksum += alphabet[value % alphabet.length] ?? '';
    value = Math.floor(value / alphabet.length);
  }
  return checksum;
}

/** Returns the id in a token. Refuses a wrong form or checksum, with a message that does not quote the token. */
export function parseToken(token: string): Result<string> {
  const [, id] = /^soil_ci_([a-z0-9-]{1,40})_[0-9A-Za-z]{38}$/.exec(token) ?? [];
  if (id === undefined) return refuse('cannot accept the token: it must have the form soil_ci_ID_...');
  const body = token.slice(0, -checksumLength);
  if (checksumOf(body) !== token.slice(-checksumLength)) {
    return refuse('cannot accept the token: wrong checksum (it is incomplete or was changed)');
  }
  return accept(id);
}

export function parseTokenId(text: string): Result<string> {
  if (/^[a-z0-9-]{1,40}$/.test(text)) return accept(text);
  return refuse(`cannot accept id ${quote(text)}: it must be 1 to 40 lowercase letters, digits or "-"`);
}

export function parseActions(text: string): Result<TokenAction[]> {
  const actions: TokenAction[] = [];
  for (const word of text.split(',').map((w) => w.trim())) {
    const action = tokenActions.find((a) => a === word);
    if (action === undefined) {
      return refuse(`cannot accept action ${quote(word)}: it must be one of ${tokenActions.join(', ')}`);
    }
    if (!actions.includes(action)) actions.push(action);
  }
  return accept(actions);
}

/** Parses a pattern of job names: the characters of a name, and `*`. */
export function parseJobPattern(text: string): Result<string> {
  if (/^[A-Za-z0-9._*-]{1,100}$/.test(text)) return accept(text);
  return refuse(`cannot accept jobs ${quote(text)}: it must be a job name, with "*" for any characters`);
}

export const sha256Of = (text: string): string => createHash('sha256').update(text).digest('hex');

/**
 * Finds the stored form of a token. Refuses one that is not valid now. Compares in constant time. `now` in seconds
 * since 1970.
 */
export function matchToken(
  token: string,
  candidates: readonly StoredToken[],
  now: number,
): Result<StoredToken> {
  const digest = Buffer.from(sha256Of(token), 'hex');
  const found = candidates.find((stored) => {
    const storedDigest = Buffer.from(stored.sha256, 'hex');
    return storedDigest.length === digest.length && timingSafeEqual(storedDigest, digest);
  });
  if (found === undefined) return refuse('cannot accept the token: unknown token');
  if (found.revoked !== undefined) return refuse('cannot accept the token: it was revoked');
  if (now < found.notBefore) return refuse('cannot accept the token: not valid yet');
  if (found.expires !== undefined && now >= found.expires)
    return refuse('cannot accept the token: it has expired');
  return accept(found);
}

/** Reports whether a token is neither revoked nor expired. */
export const isActive = (token: StoredToken, now: number): boolean =>
  token.revoked === undefined && (token.expires === undefined || now < token.expires);

export interface Permission {
  readonly action: TokenAction;
  readonly host?: WorkerHost;
  readonly job?: JobName;
}

/** Checks that a token has a permission. The message names what it lacks. */
export function permits(token: StoredToken, { action, host, job }: Permission): Result<true> {
  const who = `token ${quote(token.id)}`;
  if (!token.actions.includes(action)) return refuse(`permission denied: ${who} lacks the action ${action}`);
  if (host !== undefined && token.workerHost !== undefined && token.workerHost !== host) {
    return refuse(
      `permission denied for worker host ${quote(host)}: ${who} is limited to worker host ${quote(token.workerHost)}`,
    );
  }
  if (job !== undefined && !matchesPattern(token.jobs, job)) {
    return refuse(`permission denied for job ${quote(job)}: ${who} is limited to jobs ${quote(token.jobs)}`);
  }
  return accept(true);
}

/** Parses an entry of tokens.json. Returns undefined for one that Soil did not write, so that it grants nothing. */
export function parseStoredToken(value: unknown): StoredToken | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const t = value as Readonly<Record<string, unknown>>;
  const { id, number, sha256, jobs, notBefore, expires, revoked } = t;
  const actions = Array.isArray(t.actions) ? parseActions(t.actions.join(',')) : undefined;
  const workerHost = workerHosts.find((h) => h === t.workerHost);
  if (typeof id !== 'string' || !parseTokenId(id).ok || typeof number !== 'number') return undefined;
  if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256)) return undefined;
  if (typeof jobs !== 'string' || !parseJobPattern(jobs).ok || actions?.ok !== true) return undefined;
  if (typeof notBefore !== 'number') return undefined;
  // A token with a limit that cannot be parsed must not become a token without a limit.
  if (t.workerHost !== undefined && workerHost === undefined) return undefined;
  if (expires !== undefined && typeof expires !== 'number') return undefined;
  if (revoked !== undefined && typeof revoked !== 'number') return undefined;
  return {
    ...{ id, number, sha256, actions: actions.value, jobs, notBefore },
    ...(workerHost !== undefined && { workerHost }),
    ...(expires !== undefined && { expires }),
    ...(revoked !== undefined && { revoked }),
  };
}
