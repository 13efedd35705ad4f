/** A fingerprint of everything that pages are made by: where it is another one, all pages are written again. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageRoot } from '../../files/package-root.js';

const root = fileURLToPath(packageRoot);
const sources: readonly { readonly folder: string; readonly ending: string }[] = [
  { folder: 'dist/model', ending: '.js' },
  { folder: 'dist/server/state', ending: '.js' },
  { folder: 'dist/server/pages', ending: '.js' },
  { folder: 'dist/templates', ending: '.js' },
  { folder: 'templates', ending: '' },
];

/** `title`: the site's, which stands on every page. */
export async function pageVersion(title: string): Promise<string> {
  const hash = createHash('sha256').update(title);
  for (const { folder, ending } of sources) {
    const entries = await readdir(join(root, folder), { withFileTypes: true, recursive: true });
    const paths = entries
      .filter((entry) => entry.isFile() && entry.name.endsWith(ending) && !entry.name.includes('.test.'))
      .map((entry) => join(entry.parentPath, entry.name));
    for (const path of paths.sort()) hash.update(path.slice(root.length)).update(await readFile(path));
  }
  return hash.digest('hex');
}
