/** Checks that a folder may become a site, so that a mistake does not make `/etc` public. */
import { readdir } from 'node:fs/promises';
import { fileErrorMessage } from '../../model/error-message.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { isMissing } from '../../files/atomic-file.js';

/** A site has at least one of these; so has a folder of Soil's shell and Python server. */
const siteNames: readonly string[] = ['.soil', 'github-jobs', 'srht-jobs', 'sourcehut-jobs', 'local-jobs'];

/**
 * Accepts a site, a folder that does not exist, and a folder without files that would be served. It may have names that
 * begin with a dot, and the `lost+found` of a new disk.
 */
export async function checkSiteFolder(folder: string): Promise<Result<undefined>> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    return isMissing(error)
      ? accept(undefined)
      : refuse(`cannot make ${quote(folder, 300)} a site: ${fileErrorMessage(error)}`);
  }
  if (names.some((name) => siteNames.includes(name))) return accept(undefined);
  const foreign = names.sort().find((name) => name !== 'lost+found' && !name.startsWith('.'));
  if (foreign === undefined) return accept(undefined);
  return refuse(
    `cannot make ${quote(folder, 300)} a site: it contains ${quote(foreign)}, and everything in a site is public. ` +
      'Name an empty or new folder, or pass --force to soil-server init',
  );
}
