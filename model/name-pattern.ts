/** Matches names against patterns with `*`. Pure. */

/** Returns whether `name` matches `pattern`, in which `*` matches any characters. */
export function matchesPattern(pattern: string, name: string): boolean {
  const escaped = pattern.split('*').map((part) => part.replace(/[.]/g, '\\.'));
  return new RegExp(`^${escaped.join('.*')}$`).test(name);
}
