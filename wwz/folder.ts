/** Lists one folder of a wwz. Pure. */

export interface WwzFolder {
  /** names of folders in it, without a slash, sorted */
  readonly folders: readonly string[];
  /** names of files in it, sorted */
  readonly files: readonly string[];
}

/** Lists `folder`, which is `''` or ends with a slash. `sortedNames` are in UTF-16 order. Returns undefined if no name is in it. */
export function listFolder(sortedNames: readonly string[], folder: string): WwzFolder | undefined {
  const folders: string[] = [];
  const files: string[] = [];
  const start = lowerBound(sortedNames, folder);
  let exists = folder === '';
  for (let i = start; i < sortedNames.length; i++) {
    const name = sortedNames[i] ?? '';
    if (!name.startsWith(folder)) break;
    exists = true;
    const rest = name.slice(folder.length);
    const slash = rest.indexOf('/');
    if (slash < 0 && rest !== '') files.push(rest);
    if (slash > 0 && rest.slice(0, slash) !== folders.at(-1)) folders.push(rest.slice(0, slash));
  }
  return exists ? { folders: [...new Set(folders)], files } : undefined;
}

/** Returns the index of the first name that does not sort before `key`. */
function lowerBound(names: readonly string[], key: string): number {
  let low = 0;
  let high = names.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((names[middle] ?? '') < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
