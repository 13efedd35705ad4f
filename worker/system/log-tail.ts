/** Finds the reason that a program printed. */

/** Returns the last line that is not blank: programs print their reason there. */
export function lastLine(text: string): string | undefined {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .at(-1);
}
