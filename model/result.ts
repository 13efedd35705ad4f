/** The outcome of a parser: a value, or a sentence that says what was refused, quotes it and gives the reason. */
export type Result<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: string };

export const accept = <T>(value: T): Result<T> => ({ ok: true, value });

export const refuse = (error: string): { readonly ok: false; readonly error: string } => ({
  ok: false,
  error,
});

/** The value of a result that must be good; throws its sentence where it is not. For edges and tests. */
export function valueOf<T>(result: Result<T>): T {
  if (result.ok) return result.value;
  throw new Error(result.error);
}

/** Ends a switch over a union: the compiler proves that every case was handled. */
export function unreachable(value: never): never {
  throw new Error(`unreachable value ${JSON.stringify(value)}`);
}

/** Untrusted text for a message: quoted, control characters escaped, at most `limit` characters. */
export function quote(text: string, limit = 80): string {
  const shown = text.length > limit ? `${text.slice(0, limit)}…` : text;
  return JSON.stringify(shown).replace(/[\u007f-\u009f\u2028-\u202f\u2066-\u2069]/g, (c) => {
    return `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
