/** Lists the folders of objects that a repository borrows from others, as `git clone --shared` makes them. */
import { readdir, realpath, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { isRepository, readGitFolder } from './git-folder.js';
import { readPlainFile } from './plain-file.js';

const listBytes = 1_000_000;
/** git follows alternates of alternates this far. */
const maxDepth = 5;

/** A line of `objects/info/alternates`. */
export interface Alternate {
  /** the folder of the list: `objects` of the repository that borrows */
  readonly of: string;
  /** as the line says */
  readonly named: string;
  /** without links; absent: no such folder */
  readonly path?: string;
}

/**
 * Returns the folders of objects that exist, without links. Refuses one that is not the `objects` of a git repository:
 * the author of the list could have git read, or a container mount, any folder of the machine.
 */
export async function listAlternates(commonDir: string): Promise<Result<readonly string[]>> {
  const found = await readAlternates(commonDir);
  return found.ok ? accept([...new Set(found.value.flatMap(({ path }) => path ?? []))]) : found;
}

/** Refuses a repository that names folders which are not parts of one. A folder without a repository is accepted. */
export async function checkRepository(root: string): Promise<Result<undefined>> {
  const folder = await readGitFolder(root);
  if (!folder.ok) return folder;
  const found = folder.value === undefined ? undefined : await listAlternates(folder.value.commonDir);
  return found?.ok === false ? found : accept(undefined);
}

/** Returns every line of the lists, those of the alternates themselves included. */
export async function readAlternates(commonDir: string): Promise<Result<readonly Alternate[]>> {
  const lines: Alternate[] = [];
  const seen = new Set<string>();
  let level = [join(commonDir, 'objects')];
  for (let depth = 0; depth <= maxDepth && level.length > 0; depth++) {
    const next: string[] = [];
    for (const of of level) {
      const odd = await findOddEntry(of);
      if (odd !== undefined)
        return refuse(`cannot use ${quote(odd, 300)}: it is neither a file nor a folder`);
      const list = join(of, 'info/alternates');
      for (const named of parseAlternates((await readPlainFile(list, listBytes)) ?? '')) {
        const path = await realpath(resolve(of, named)).catch(() => undefined);
        if (path !== undefined && !(await isObjectFolder(path)))
          return refuse(
            `cannot use ${quote(list, 300)}: ${quote(named, 300)} is not the folder of objects of a git repository`,
          );
        lines.push({ of, named, ...(path !== undefined && { path }) });
        if (path === undefined || seen.has(path)) continue;
        seen.add(path);
        next.push(path);
      }
    }
    level = next;
  }
  return accept(lines);
}

/** Returns a pipe, socket or device among the objects. git would open it, and wait for the other end of a pipe. */
async function findOddEntry(objects: string): Promise<string | undefined> {
  const folders = await readdir(objects, { withFileTypes: true }).catch(() => []);
  const inner = folders.filter(
    (entry) => entry.isDirectory() && /^([0-9a-f]{2}|info|pack)$/.test(entry.name),
  );
  for (const folder of [objects, ...inner.map(({ name }) => join(objects, name))]) {
    for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
      if (entry.isFile() || entry.isDirectory()) continue;
      const path = join(folder, entry.name);
      const stats = await stat(path).catch(() => undefined);
      if (stats !== undefined && !stats.isFile() && !stats.isDirectory()) return path;
    }
  }
  return undefined;
}

/** gitrepository-layout(5): one path a line; `#` starts a comment, and quotation marks a string in C. */
function parseAlternates(text: string): readonly string[] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) =>
      /^".*"$/.test(line)
        ? line.slice(1, -1).replace(/\\(n|.)/g, (_, c: string) => (c === 'n' ? '\n' : c))
        : line,
    );
}

const isObjectFolder = async (path: string): Promise<boolean> =>
  (await stat(path)).isDirectory() && path.endsWith('/objects') && (await isRepository(dirname(path)));
