/** What a site is called on its pages: kept in its private folder, so that every command renders the same bytes. */
import { readFile } from 'node:fs/promises';
import { privateFolder } from './private-folder.js';
import { writeWhole, isMissing } from '../../files/atomic-file.js';

const defaultTitle = 'Soil';

export async function readTitle(site: string): Promise<string> {
  try {
    return (await readFile(privateFolder(site).title, 'utf8')).trimEnd();
  } catch (error) {
    if (isMissing(error)) return defaultTitle;
    throw error;
  }
}

/** Keeps a title for the commands that come later. */
export async function keepTitle(site: string, title: string): Promise<void> {
  if ((await readTitle(site)) === title) return;
  await writeWhole(privateFolder(site).title, `${title}\n`, { sync: true, mode: 0o600 });
}
