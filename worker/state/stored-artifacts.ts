/** The artifacts of a job: copies that the worker makes when the job ends, and which `publish` sends. */
import { mkdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { isMissing, writeWhole } from '../../files/atomic-file.js';
import { EntryError } from '../../files/folder-entry.js';
import { UntrustedFolder } from '../../files/untrusted-folder.js';
import { quote } from '../../model/result.js';
import { artifactsFolderName } from './job-folder.js';

export type StoredArtifact =
  | { readonly kind: 'stored'; readonly name: string; /** absolute path of the copy */ readonly file: string }
  | { readonly kind: 'missing'; readonly name: string; readonly reason: string };

const listName = 'artifacts.json';

/**
 * Copies artifacts of a repo to the job's folder in the state. One that does not exist, is a link, or is reached through a
 * link, is missing; unless it just does not exist, that is a notice.
 */
export async function storeArtifacts(
  repo: string,
  paths: readonly string[],
  folder: string,
): Promise<{ readonly artifacts: readonly StoredArtifact[]; readonly notices: readonly string[] }> {
  if (paths.length === 0) return { artifacts: [], notices: [] };
  await mkdir(join(folder, artifactsFolderName));
  const source = new UntrustedFolder(repo);
  const artifacts: StoredArtifact[] = [];
  const notices: string[] = [];
  try {
    for (const path of paths) {
      const name = basename(path);
      const file = join(folder, artifactsFolderName, name);
      try {
        await source.copyOut(path, file);
        artifacts.push({ kind: 'stored', name, file });
      } catch (error) {
        if (!(error instanceof EntryError)) throw error;
        const { message: reason } = error;
        artifacts.push({ kind: 'missing', name, reason });
        if (!isMissing(error)) notices.push(`cannot store artifact ${quote(path)}: ${reason}`);
      }
    }
  } finally {
    source.close();
  }
  const list = artifacts.map((artifact) =>
    artifact.kind === 'stored' ? { name: artifact.name } : { name: artifact.name, reason: artifact.reason },
  );
  await writeWhole(join(folder, listName), JSON.stringify(list), { sync: false, mode: 0o600 });
  return { artifacts, notices };
}

/** Reads the list that storeArtifacts() wrote. */
export async function readStoredArtifacts(folder: string): Promise<readonly StoredArtifact[]> {
  try {
    const list = JSON.parse(await readFile(join(folder, listName), 'utf8')) as readonly {
      readonly name: string;
      readonly reason?: string;
    }[];
    return list.map(({ name, reason }) =>
      reason === undefined
        ? { kind: 'stored', name, file: join(folder, artifactsFolderName, name) }
        : { kind: 'missing', name, reason },
    );
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
