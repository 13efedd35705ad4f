/** Fetches records from a site on another machine, and sends pages to it. Parses every remote name. */
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageRoot } from '../../files/package-root.js';
import { parseRunId, workerHosts } from '../../model/name.js';
import { hostFolder, parseJobFile } from '../../model/path.js';
import type { RemoteFiles } from '../../ssh/remote-files.js';

const snippets = fileURLToPath(new URL('shims/web-servers/', packageRoot));

/** Writes the web server snippets, with the site's folder filled in, to the site's private folder. */
export async function sendWebServerSnippets(files: RemoteFiles, folder: string): Promise<void> {
  await files.makeFolder(`${folder}/.soil`, 0o700);
  await files.makeFolder(`${folder}/.soil/web-servers`);
  const temporary = await mkdtemp(join(tmpdir(), 'soil-web-servers-'));
  try {
    for (const name of await readdir(snippets)) {
      const text = await readFile(join(snippets, name), 'utf8');
      await writeFile(join(temporary, name), text.replaceAll('@SITE@', folder));
      await files.upload(join(temporary, name), `${folder}/.soil/web-servers/${name}`, { replace: true });
    }
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/**
 * Fetches the record files that the mirror lacks. Returns how many. Compares sizes only, since a record never changes.
 */
export async function fetchRecords(files: RemoteFiles, folder: string, mirror: string): Promise<number> {
  let fetched = 0;
  for (const host of workerHosts) {
    const area = hostFolder(host);
    const top = `${folder}/${area}`;
    if (!(await files.exists(top))) continue;
    for (const run of await files.list(top)) {
      if (run.kind !== 'folder' || !parseRunId(run.name).ok) continue;
      for (const file of await files.list(`${top}/${run.name}`)) {
        if (file.kind !== 'file' || !parseJobFile(file.name).ok) continue;
        const local = join(mirror, area, run.name, file.name);
        if ((await sizeOf(local)) === file.bytes) continue;
        await files.download(`${top}/${run.name}/${file.name}`, local);
        fetched += 1;
      }
    }
  }
  return fetched;
}

/**
 * Sends the pages that differ from those on the host. Returns how many. Sends a page after the files that it links to.
 */
export async function sendPages(files: RemoteFiles, mirror: string, folder: string): Promise<number> {
  const names = (await readdir(mirror, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(mirror.length + 1))
    .filter((name) => !name.split('/').some((part) => part.startsWith('.')) && !isRecord(name));
  const depth = (name: string): number => name.split('/').length + (name.endsWith('.html') ? 0 : 100);
  names.sort((a, b) => depth(b) - depth(a) || (a < b ? -1 : 1));
  let sent = 0;
  for (const name of names) {
    const remote = `${folder}/${name}`;
    if (await files.exists(remote)) {
      if (await files.isSame(join(mirror, name), remote)) continue;
    } else await files.makeFolders(folder, name);
    await files.upload(join(mirror, name), remote, { replace: true });
    sent += 1;
  }
  return sent;
}

/** Reports whether a file belongs to a record, which the host already has. */
function isRecord(name: string): boolean {
  const [area, run, file, ...more] = name.split('/');
  const isInRun = workerHosts.some((host) => hostFolder(host) === area) && run !== undefined;
  return isInRun && file !== undefined && more.length === 0 && parseJobFile(file).ok;
}

const sizeOf = (file: string): Promise<number | undefined> =>
  stat(file).then(
    ({ size }) => size,
    () => undefined,
  );
