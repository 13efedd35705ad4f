/** Who sends this request: the Authorization header -> a token that allows it, or 401 and 403. */
import type { TokenStore } from './token-store.js';
import { scopeRefusal, type Request } from './token.js';
import { answer, refuseWith, type Answered } from './refusal.js';

/** What writes need: a token that allows them, or a server that was told to be open. */
export interface Gatekeeper {
  readonly tokens: TokenStore;
  /** `--open-on-loopback`: nobody is asked for a token */
  readonly isOpen: boolean;
  readonly now: () => number;
}

/** Bearer, or Basic with the token as the password (what `https://soil:TOKEN@host/` sends). */
export function tokenOf(header: string | undefined): string | undefined {
  const [, scheme = '', credentials = ''] = /^(\S+) +(\S+) *$/.exec(header ?? '') ?? [];
  if (scheme.toLowerCase() === 'bearer') return credentials;
  if (scheme.toLowerCase() !== 'basic') return undefined;
  const text = Buffer.from(credentials, 'base64').toString('utf8');
  return text.slice(text.indexOf(':') + 1);
}

/** Tells nothing of the token in any refusal. */
export async function authorize(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  request: Request,
  keeper: Gatekeeper,
): Promise<Answered<undefined>> {
  // A report's script could send a form to a server that asks nobody for a token; soil-worker sends no Origin.
  if (headers.origin !== undefined) return refuseWith(403, 'cannot accept this from a page in a browser');
  if (keeper.isOpen) return answer(undefined);
  const header = headers.authorization;
  const token = tokenOf(typeof header === 'string' ? header : undefined);
  if (token === undefined)
    return refuseWith(401, 'cannot accept this without a token: send it as Authorization: Bearer');
  const stored = await keeper.tokens.find(token, keeper.now());
  if (!stored.ok) return refuseWith(401, `cannot accept the token: ${stored.error}`);
  const refused = scopeRefusal(stored.value, request);
  return refused === undefined
    ? answer(undefined)
    : refuseWith(403, `cannot accept the token ${JSON.stringify(stored.value.id)}: ${refused}`);
}
