/** Suggests the known word that an unknown one is probably a misspelling of. Pure. */

/** Returns ` (did you mean X?)` to append to a sentence, or an empty string if no known word is similar. */
export function hintFor(word: string, known: readonly string[]): string {
  const near = nearWord(word, known);
  return near === undefined ? '' : ` (did you mean ${near}?)`;
}

/** Returns the most similar known word: a typo, another way to join words, or another ending. */
export function nearWord(word: string, known: readonly string[]): string | undefined {
  // The distance takes quadratic time, and nobody types that much by mistake.
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

/** Returns the optimal string alignment distance: letters to add, drop or change, and adjacent letters to swap. */
function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  const at = (i: number, j: number): number => rows[i]?.[j] ?? Infinity;
  for (let i = 1; i <= a.length; i++) {
    rows.push([i]);
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1;
      const swaps = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      rows[i]?.push(
        Math.min(
          at(i - 1, j) + 1,
          at(i, j - 1) + 1,
          at(i - 1, j - 1) + change,
          swaps ? at(i - 2, j - 2) + 1 : Infinity,
        ),
      );
    }
  }
  return at(a.length, b.length);
}
