/**
 * A value, or the reason why there is none. By default the reason is a sentence that says what was refused, quotes it, and
 * says why. Functions that leave the wording to their caller return a union of `kind`s instead.
 */
export type Result<T, E = string> = Accepted<T> | Refused<E>;

export interface Accepted<T> {
  readonly ok: true;
  readonly value: T;
}

export interface Refused<E = string> {
  readonly ok: false;
  readonly error: E;
}

export const accept = <T>(value: T): Accepted<T> => ({ ok: true, value });

export const refuse = <const E = string>(error: E): Refused<E> => ({ ok: false, error });

/** Returns the value of a result. Throws an error with the reason of a refusal. For programming errors and tests. */
export function valueOf<T>(result: Result<T>): T {
  if (result.ok) return result.value;
  throw new Error(result.error);
}

/** Ends a switch over a union, so that the compiler reports a case that is not handled. */
export function unreachable(value: never): never {
  throw new Error(`unreachable value ${JSON.stringify(value)}`);
}

/** Quotes untrusted text for a message, with control and invisible characters escaped, cut to `limit` characters. */
export function quote(text: string, limit = 80): string {
  const shown = text.length > limit ? `${text.slice(0, limit)}…` : text;
  return JSON.stringify(shown).replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Zs}\p{Default_Ignorable_Code_Point}\u2800]/gu,
    (c) => (c === ' ' ? c : escapeUnits(c)),
  );
}

/** Returns the UTF-16 code units of a text as `\u200b`. */
export const escapeUnits = (text: string): string =>
  Array.from(
    { length: text.length },
    (_, i) => `\\u${text.charCodeAt(i).toString(16).padStart(4, '0')}`,
  ).join('');
