/** A word that is not known, and those that are -> the one that was probably meant. Pure. */

/** ` (did you mean X?)` for the end of a sentence; empty where nothing known is like the word. */
export function hintFor(word: string, known: readonly string[]): string {
  const near = nearWord(word, known);
  return near === undefined ? '' : ` (did you mean ${near}?)`;
}

/** The known word that is most like it: a slip of the finger, another way to join words, or another ending. */
export function nearWord(word: string, known: readonly string[]): string | undefined {
  // What no person would have typed for one of ours is not worth the squares below.
  if (word.length > 60) return undefined;
  const meant = plainForm(word);
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(meant, plainForm(candidate)) }))
    .filter(({ candidate, distance }) => isNear(meant, plainForm(candidate), distance))
    .sort((a, b) => a.distance - b.distance);
  return ranked[0]?.candidate;
}

/** `workingFolder`, `working_folder` and `Working-Folder` are one word. */
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

/** Letters to add, drop or change, and neighbours to swap: the optimal string alignment distance. */
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
