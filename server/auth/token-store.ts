/** The site's tokens on disk, `.soil/tokens.json`: read by the server, changed by the commands. */
import { readFile, stat } from 'node:fs/promises';
import { errorMessage } from '../../model/error-message.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import type { PrivateFolder } from '../disk/private-folder.js';
import { takeLock } from '../disk/site-lock.js';
import {
  isAlive,
  makeToken,
  matchToken,
  parseStoredToken,
  sha256Of,
  tokenId,
  type StoredToken,
} from './token.js';
import { writeWhole, isMissing } from '../../files/atomic-file.js';

export async function readTokens(path: string): Promise<Result<readonly StoredToken[]>> {
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    if (isMissing(error)) return accept([]);
    return refuse(`cannot read ${quote(path)}: ${errorMessage(error)}`);
  }
  if (!Array.isArray(json)) return refuse(`cannot read ${quote(path)}: it is not a list`);
  const tokens: StoredToken[] = [];
  for (const [index, item] of json.entries()) {
    const token = parseStoredToken(item);
    if (token === undefined) return refuse(`cannot read ${quote(path)}: token ${index + 1} is malformed`);
    tokens.push(token);
  }
  return accept(tokens);
}

/** Changes the list under a lock, so that two commands at once lose nothing. */
async function changeTokens<T>(
  folder: PrivateFolder,
  change: (
    tokens: readonly StoredToken[],
  ) => Result<{ readonly tokens: readonly StoredToken[]; readonly value: T }>,
): Promise<Result<T>> {
  const lock = await takeLock(folder.tokensLock, 'the lock of the tokens');
  if (!lock.ok) return lock;
  try {
    const before = await readTokens(folder.tokens);
    if (!before.ok) return before;
    const after = change(before.value);
    if (!after.ok) return after;
    await writeWhole(folder.tokens, `${JSON.stringify(after.value.tokens, null, 2)}\n`, {
      sync: true,
      mode: 0o600,
    });
    return accept(after.value.value);
  } finally {
    await lock.value.release();
  }
}

/** Two alive at once are enough for rotation; more would be forgotten. */
const aliveAtOnce = 2;

/** Makes a token and returns it: the only time that anybody sees it. `now` in seconds since 1970. */
export function createToken(
  folder: PrivateFolder,
  scope: Omit<StoredToken, 'number' | 'sha256' | 'revoked'>,
  now: number,
): Promise<Result<string>> {
  return changeTokens(folder, (tokens) => {
    const same = tokens.filter((token) => token.id === scope.id);
    if (same.filter((token) => isAlive(token, now)).length >= aliveAtOnce) {
      return refuse(
        `cannot create a token of id ${quote(scope.id)}: two are alive already; revoke one of them first`,
      );
    }
    const token = makeToken(scope.id);
    const number = 1 + Math.max(0, ...same.map((t) => t.number));
    return accept({ tokens: [...tokens, { ...scope, number, sha256: sha256Of(token) }], value: token });
  });
}

/** Revokes the tokens of an id that are alive, or the one with `number`; tells how many. */
export function revokeTokens(
  folder: PrivateFolder,
  { id, number }: { readonly id: string; readonly number?: number },
  now: number,
): Promise<Result<number>> {
  return changeTokens(folder, (tokens) => {
    const isMeant = (t: StoredToken): boolean =>
      t.id === id && t.revoked === undefined && (number === undefined || t.number === number);
    const count = tokens.filter(isMeant).length;
    if (count === 0) {
      const which = number === undefined ? '' : ` with number ${number}`;
      return refuse(`cannot revoke token ${quote(id)}${which}: there is none, or it is revoked already`);
    }
    return accept({ tokens: tokens.map((t) => (isMeant(t) ? { ...t, revoked: now } : t)), value: count });
  });
}

/** The tokens as a running server sees them: read again whenever the file has changed, which costs one stat(2) to know. */
export class TokenStore {
  readonly #path: string;
  #stamp = '';
  #tokens: Result<readonly StoredToken[]> = accept([]);

  constructor(path: string) {
    this.#path = path;
  }

  /** Whose token it is; `now` in seconds since 1970. Tokens that cannot be read let nobody in. */
  async find(token: string, now: number): Promise<Result<StoredToken>> {
    const id = tokenId(token);
    if (!id.ok) return id;
    const tokens = await this.#fresh();
    // Where the site's files are is nobody's business who has no token; `token list` tells the operator what is wrong.
    if (!tokens.ok) return refuse('cannot accept the token: the site cannot read its own tokens');
    return matchToken(
      token,
      tokens.value.filter((t) => t.id === id.value),
      now,
    );
  }

  async #fresh(): Promise<Result<readonly StoredToken[]>> {
    const stamp = await stat(this.#path, { bigint: true }).then(
      (s) => `${s.ino} ${s.size} ${s.mtimeNs}`,
      () => 'missing',
    );
    if (stamp !== this.#stamp) {
      this.#tokens = await readTokens(this.#path);
      this.#stamp = stamp;
    }
    return this.#tokens;
  }
}
