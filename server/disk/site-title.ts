/** The title of a site on its pages. It is stored in the site, so that every command renders the same pages. */
import { readFile } from 'node:fs/promises';
import { privateFolder } from './private-folder.js';
import { writeWhole, isMissing } from '../../files/atomic-file.js';

const defaultTitle = 'Soil';

/** Returns the stored title, or Soil. */
export async function readTitle(site: string): Promise<string> {
  try {
    return (await readFile(privateFolder(site).title, 'utf8')).trimEnd();
  } catch (error) {
    if (isMissing(error)) return defaultTitle;
    throw error;
  }
}

/** Stores a title, if it is not the stored one. */
export async function storeTitle(site: string, title: string): Promise<void> {
  if ((await readTitle(site)) === title) return;
  await writeWhole(privateFolder(site).title, `${title}\n`, { sync: true, mode: 0o600 });
}
