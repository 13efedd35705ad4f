/** Suggests the known word that an unknown one is probably a misspelling of. Pure. */
import { distance } from 'fastest-levenshtein';

/** Returns ` (did you mean X?)` to append to a sentence, or an empty string if no known word is similar. */
export function formatHint(word: string, known: readonly string[]): string {
  const near = findSimilarWord(word, known);
  return near === undefined ? '' : ` (did you mean ${near}?)`;
}

/** Returns the most similar known word: a typo, another way to join words, or another ending. */
export function findSimilarWord(word: string, known: readonly string[]): string | undefined {
  // The distance takes quadratic time, and no known word is that long.
  if (word.length > 60) return undefined;
  const meant = plainForm(word);
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(meant, plainForm(candidate)) }))
    .filter(({ candidate, distance }) => isNear(meant, plainForm(candidate), distance))
    .sort((a, b) => a.distance - b.distance);
  return ranked[0]?.candidate;
}

/** Makes `workingFolder`, `working_folder` and `Working-Folder` equal. */
const plainForm = (word: string): string =>
  word
    .replace(/([a-z\d])([A-Z])/g, '$1-$2')
    .replaceAll('_', '-')
    .toLowerCase();

function isNear(a: string, b: string, distance: number): boolean {
  const longer = Math.max(a.length, b.length);
  if (distance <= Math.min(3, longer * 0.4)) return true;
  let shared = 0;
  while (shared < longer && a[shared] === b[shared]) shared++;
  return shared >= 4 && shared >= longer / 2;
}

/** Returns the Levenshtein distance, in which two adjacent letters that are swapped count as one change. */
const editDistance = (a: string, b: string): number => (isSwap(a, b) ? 1 : distance(a, b));

function isSwap(a: string, b: string): boolean {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  const swapped = `${b.slice(0, at)}${b[at + 1] ?? ''}${b[at] ?? ''}${b.slice(at + 2)}`;
  return a !== b && a === swapped;
}
