/** Why a file could not be opened, in words for the end of a sentence; the sentence before has quoted its name. */

/** What node threw; a fault without words of ours is told in node's. */
export function fileFault(error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException;
  return words[code] ?? message;
}

const words: Readonly<Record<string, string>> = {
  ENOENT: 'it is not there',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a file stands where a folder should',
  EACCES: 'this user has no right to it',
};
