/** Looks for named pipes among the objects of a repository: git opens what has the name of an object, and waits for a writer. */
import { readdirSync, statSync, type Dirent } from 'node:fs';
import { join } from 'node:path';

/** Returns a named pipe that git could open in folders of objects, or undefined if there is none. */
export function findPipeIn(objects: readonly string[]): string | undefined {
  for (const folder of objects) {
    for (const name of ['', 'info', 'pack', ...listPrefixes(folder)]) {
      const pipe = findPipe(join(folder, name));
      if (pipe !== undefined) return pipe;
    }
  }
  return undefined;
}

/** gitrepository-layout(5): an object is in the folder of the first two digits of its hash. */
const listPrefixes = (folder: string): readonly string[] =>
  list(folder).flatMap(({ name }) => (/^[0-9a-f]{2}$/.test(name) ? [name] : []));

function findPipe(folder: string): string | undefined {
  const found = list(folder).find(
    (entry) => entry.isFIFO() || (entry.isSymbolicLink() && leadsToPipe(join(folder, entry.name))),
  );
  return found === undefined ? undefined : join(folder, found.name);
}

function leadsToPipe(path: string): boolean {
  try {
    return statSync(path).isFIFO();
  } catch {
    return false;
  }
}

function list(folder: string): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}
