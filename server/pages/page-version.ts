/** A hash of everything that pages are rendered with. When it changes, the next start writes every page again. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageRoot } from '../../files/package-root.js';

/** The modules that read records, fold them, and plan and render pages. The modules that they import count too. */
const entryModules = [
  'dist/server/store/stored-job.js',
  'dist/server/state/site-state.js',
  'dist/server/pages/page-plan.js',
];

/**
 * Returns a SHA-256 in hex. `title`: the site's, which is on every page. `root`: the folder of the installed package.
 */
export async function pageVersion(title: string, root = fileURLToPath(packageRoot)): Promise<string> {
  const hash = createHash('sha256').update(title);
  hash.update(handlebarsVersion());
  for (const path of [...(await findModules(root)), ...(await findAssets(root))]) {
    hash.update(relative(root, path)).update(await readFile(path));
  }
  return hash.digest('hex');
}

/** Lists the entry modules and every module of the package that they import, sorted by path. */
async function findModules(root: string): Promise<readonly string[]> {
  const found = new Set(entryModules.map((path) => join(root, path)));
  // A Set's iterator also visits the elements that are added during the loop.
  for (const path of found) {
    const text = await readFile(path, 'utf8');
    for (const [, name = ''] of text.matchAll(/\b(?:from|import)\s*\(?\s*['"](\.{1,2}\/[^'"]+)['"]/g)) {
      found.add(join(dirname(path), name));
    }
  }
  return [...found].sort();
}

/** Lists templates, stylesheets, images and schemas, sorted by path. In a checkout, `templates` has TypeScript too. */
async function findAssets(root: string): Promise<readonly string[]> {
  const paths = ['templates', 'schema'].map(async (folder) => {
    const entries = await readdir(join(root, folder), { withFileTypes: true, recursive: true });
    return entries
      .filter((entry) => entry.isFile() && !entry.name.endsWith('.ts'))
      .map((entry) => join(entry.parentPath, entry.name));
  });
  return (await Promise.all(paths)).flat().sort();
}

function handlebarsVersion(): string {
  const manifest = createRequire(import.meta.url)('handlebars/package.json') as { readonly version: string };
  return manifest.version;
}
