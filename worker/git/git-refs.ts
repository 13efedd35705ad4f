/** Reads HEAD, branches and tags from the files of a repository, without git. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { GitFolder } from './git-folder.js';
import { readPlainFile } from './plain-file.js';

/** Where HEAD points. */
export interface HeadRef {
  /** as in `refs/heads/main`; absent on a detached HEAD */
  readonly ref?: string;
  /** absent: the branch has no commit yet */
  readonly hash?: string;
}

const refBytes = 8192;
/** As many links as git follows from one ref to another. */
const maxLinks = 5;
/** Names below `refs/` are rarely deeper than four. */
const maxDepth = 20;

/** Reads HEAD. */
export async function readHeadRef({
  gitDir,
  commonDir,
}: Pick<GitFolder, 'gitDir' | 'commonDir'>): Promise<HeadRef> {
  const text = await readPlainFile(join(gitDir, 'HEAD'), refBytes);
  const ref = symbolicRef(text);
  if (ref === undefined) return withHash(undefined, hashIn(text));
  return withHash(ref, await readRef(commonDir, ref));
}

const withHash = (ref: string | undefined, hash: string | undefined): HeadRef => ({
  ...(ref !== undefined && { ref }),
  ...(hash !== undefined && { hash }),
});

/** Returns the hash of a ref such as `refs/heads/main`, or undefined if there is no such ref. */
export async function readRef(commonDir: string, name: string): Promise<string | undefined> {
  let at = name;
  for (let links = 0; links <= maxLinks; links++) {
    if (!isRefName(at)) return undefined;
    const text = await readPlainFile(join(commonDir, at), refBytes);
    if (text === undefined) return (await readPackedRefs(commonDir)).get(at);
    const next = symbolicRef(text);
    if (next === undefined) return hashIn(text);
    at = next;
  }
  return undefined;
}

/** Returns the ref that a symbolic ref names, such as `refs/remotes/origin/main` for `refs/remotes/origin/HEAD`. */
export async function readSymbolicRef(commonDir: string, name: string): Promise<string | undefined> {
  return symbolicRef(await readPlainFile(join(commonDir, name), refBytes));
}

/** Returns the hashes of all refs, sorted by name. A loose ref wins over a packed one. */
export async function listRefs(commonDir: string): Promise<ReadonlyMap<string, string>> {
  const refs = new Map(await readPackedRefs(commonDir));
  await addLooseRefs(commonDir, 'refs', refs, 0);
  return new Map([...refs].sort(([a], [b]) => (a < b ? -1 : 1)));
}

async function addLooseRefs(
  commonDir: string,
  folder: string,
  refs: Map<string, string>,
  depth: number,
): Promise<void> {
  const entries = await readdir(join(commonDir, folder), { withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    const name = `${folder}/${entry.name}`;
    if (entry.isDirectory() && depth < maxDepth) await addLooseRefs(commonDir, name, refs, depth + 1);
    else if (entry.isFile() && isRefName(name)) {
      const hash = await readRef(commonDir, name);
      if (hash !== undefined) refs.set(name, hash);
    }
  }
}

async function readPackedRefs(commonDir: string): Promise<ReadonlyMap<string, string>> {
  const text = (await readPlainFile(join(commonDir, 'packed-refs'))) ?? '';
  const refs = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, hash, name] = /^([0-9a-f]{40}|[0-9a-f]{64}) (refs\/\S+)$/.exec(line) ?? [];
    if (hash !== undefined && name !== undefined && isRefName(name)) refs.set(name, hash);
  }
  return refs;
}

const symbolicRef = (text: string | undefined): string | undefined => {
  const name = /^ref: ?(refs\/\S+)\n?$/.exec(text ?? '')?.[1];
  return name !== undefined && isRefName(name) ? name : undefined;
};

const hashIn = (text: string | undefined): string | undefined =>
  /^([0-9a-f]{40}|[0-9a-f]{64})\n?$/.exec(text ?? '')?.[1];

/** git-check-ref-format(1); also keeps a name from leading out of the folder. */
export const isRefName = (name: string): boolean =>
  name.startsWith('refs/') &&
  !/[\0-\x20\x7f~^:?*[\\]|\.\.|@\{|\/\/|\/$|\.$/.test(name) &&
  name.split('/').every((part) => !part.startsWith('.') && !part.endsWith('.lock'));
