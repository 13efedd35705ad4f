/** Reads and changes the site's tokens in `.soil/tokens.json`. */
import { readFile, stat } from 'node:fs/promises';
import { errorMessage } from '../../model/error-message.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import type { PrivateFolder } from '../disk/private-folder.js';
import { takeLock } from '../../files/process-lock.js';
import {
  isActive,
  generateToken,
  matchToken,
  parseStoredToken,
  sha256Of,
  parseToken,
  type StoredToken,
} from './token.js';
import { writeWhole, isMissing } from '../../files/atomic-file.js';

/** Reads all tokens; none if the file does not exist. */
export async function readTokens(path: string): Promise<Result<readonly StoredToken[]>> {
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    if (isMissing(error)) return accept([]);
    return refuse(`cannot read ${quote(path)}: ${errorMessage(error)}`);
  }
  if (!Array.isArray(json)) return refuse(`cannot read ${quote(path)}: not a list`);
  const tokens: StoredToken[] = [];
  for (const [index, item] of json.entries()) {
    const token = parseStoredToken(item);
    if (token === undefined) return refuse(`cannot read ${quote(path)}: token ${index + 1} is malformed`);
    tokens.push(token);
  }
  return accept(tokens);
}

/** Changes the list under a lock, so that concurrent commands do not overwrite each other. */
async function changeTokens<T>(
  folder: PrivateFolder,
  change: (
    tokens: readonly StoredToken[],
  ) => Result<{ readonly tokens: readonly StoredToken[]; readonly value: T }>,
): Promise<Result<T>> {
  const lock = await takeLock(folder.tokensLock, 'the tokens');
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

/** Active tokens per id. Two are enough for rotation; more would be forgotten. */
const maxActive = 2;

/** Creates a token and returns it. Only its hash is stored. `now` in seconds since 1970. */
export function createToken(
  folder: PrivateFolder,
  scope: Omit<StoredToken, 'number' | 'sha256' | 'revoked'>,
  now: number,
): Promise<Result<string>> {
  return changeTokens(folder, (tokens) => {
    const same = tokens.filter((token) => token.id === scope.id);
    if (same.filter((token) => isActive(token, now)).length >= maxActive) {
      return refuse(
        `cannot create a token with id ${quote(scope.id)}: two are already active. Revoke one first: soil-server token revoke`,
      );
    }
    const token = generateToken(scope.id);
    const number = 1 + Math.max(0, ...same.map((t) => t.number));
    return accept({ tokens: [...tokens, { ...scope, number, sha256: sha256Of(token) }], value: token });
  });
}

/** Revokes all tokens of an id, or only the one with `number`. Returns how many. */
export function revokeTokens(
  folder: PrivateFolder,
  { id, number }: { readonly id: string; readonly number?: number },
  now: number,
): Promise<Result<number>> {
  return changeTokens(folder, (tokens) => {
    const isSelected = (t: StoredToken): boolean =>
      t.id === id && t.revoked === undefined && (number === undefined || t.number === number);
    const count = tokens.filter(isSelected).length;
    if (count === 0) {
      const which = number === undefined ? '' : ` with number ${number}`;
      return refuse(`cannot revoke token ${quote(id)}${which}: no such token, or it is already revoked`);
    }
    return accept({ tokens: tokens.map((t) => (isSelected(t) ? { ...t, revoked: now } : t)), value: count });
  });
}

/** The tokens of a running server. One stat(2) per lookup shows whether the file changed and must be read again. */
export class TokenStore {
  readonly #path: string;
  #stamp = '';
  #tokens: Result<readonly StoredToken[]> = accept([]);

  constructor(path: string) {
    this.#path = path;
  }

  /** Finds a valid token. Refuses all tokens while the file cannot be read. `now` in seconds since 1970. */
  async find(token: string, now: number): Promise<Result<StoredToken>> {
    const id = parseToken(token);
    if (!id.ok) return id;
    const tokens = await this.#current();
    // The path is not disclosed to clients without a token; `soil-server token list` prints the reason.
    if (!tokens.ok) return refuse('cannot accept the token: the site cannot read its tokens');
    return matchToken(
      token,
      tokens.value.filter((t) => t.id === id.value),
      now,
    );
  }

  async #current(): Promise<Result<readonly StoredToken[]>> {
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
