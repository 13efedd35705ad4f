/** The site's tokens on disk: created, listed, revoked and looked up; a change counts within a second, without restart. */
import { randomBytes } from 'node:crypto';
import { open, readFile, rename, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { accept, quote, refuse, type Result } from '../model/result.js';
import { formatToken, hashOf, idOf, isSame, lapse, parseTokenId, type StoredToken } from './token.js';

export type TokenScope = Omit<StoredToken, 'id' | 'hash' | 'created' | 'revoked'>;

/** Several tokens may have one id while they are rotated. */
export class TokenStore {
  readonly #file: string;
  #tokens: readonly StoredToken[] = [];
  #version = '';
  #looked = 0;

  constructor(file: string) {
    this.#file = file;
  }

  async list(): Promise<readonly StoredToken[]> {
    const stats = await stat(this.#file, { bigint: true }).catch(() => undefined);
    const version = stats === undefined ? '' : `${stats.ino}-${stats.mtimeNs}-${stats.size}`;
    if (version !== this.#version) {
      this.#tokens =
        version === '' ? [] : (JSON.parse(await readFile(this.#file, 'utf8')) as readonly StoredToken[]);
      this.#version = version;
    }
    return this.#tokens;
  }

  /** Returns the new token's text: the only time that anybody sees it. */
  async create(id: string, scope: TokenScope, now: number): Promise<Result<string>> {
    const name = parseTokenId(id);
    if (!name.ok) return name;
    const tokens = await this.list();
    const alive = tokens.filter((token) => token.id === id && lapse(token, now) === undefined);
    if (alive.length >= 2) {
      return refuse(`cannot create token ${quote(id)}: two of that id are alive; revoke one first`);
    }
    const text = formatToken(id, randomBytes(32));
    await this.#write([...tokens, { id, hash: hashOf(text), ...scope, created: now }]);
    return accept(text);
  }

  /** Revokes every token of an id; returns how many that were. */
  async revoke(id: string, now: number): Promise<number> {
    const tokens = await this.list();
    const alive = tokens.filter((token) => token.id === id && token.revoked === undefined);
    await this.#write(tokens.map((token) => (alive.includes(token) ? { ...token, revoked: now } : token)));
    return alive.length;
  }

  /** The stored token that a text is, while it is valid; else why not, without a word of the text. */
  async find(text: string, now: number): Promise<Result<StoredToken>> {
    const id = idOf(text);
    if (id === undefined) return refuse('the token is not one of ours');
    // A second is how long a revoked token may live: not every request asks the disk.
    if (now - this.#looked >= 1 || now < this.#looked) {
      await this.list();
      this.#looked = now;
    }
    const found = await this.#match(id, text);
    if (found === undefined) return refuse('the token is not known here');
    const why = lapse(found, now);
    return why === undefined ? accept(found) : refuse(`token ${quote(id)}: ${why}`);
  }

  async #match(id: string, text: string): Promise<StoredToken | undefined> {
    const found = this.#tokens.find((token) => token.id === id && isSame(text, token));
    if (found !== undefined) return found;
    return (await this.list()).find((token) => token.id === id && isSame(text, token));
  }

  async #write(tokens: readonly StoredToken[]): Promise<void> {
    const temporary = join(dirname(this.#file), `.tokens.${process.pid}.tmp`);
    const handle = await open(temporary, 'w', 0o600);
    try {
      await handle.writeFile(`${JSON.stringify(tokens, null, 2)}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, this.#file);
  }
}
