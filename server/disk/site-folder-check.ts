/** A folder that is to become a site -> a refusal where it holds what no site has: `/etc` is not made public by a slip. */
import { readdir } from 'node:fs/promises';
import { fileErrorMessage } from '../../model/error-message.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { isMissing } from '../../files/atomic-file.js';

/** A site of ours, or the records of one: of Soil's shell and Python server too. */
const ownNames: readonly string[] = ['.soil', 'github-jobs', 'srht-jobs', 'sourcehut-jobs', 'local-jobs'];

/**
 * Accepts a folder that is a site, or has nothing that would be served: none at all, an empty one, a new disk's
 * `lost+found`, names that begin with a dot.
 */
export async function refuseForeign(folder: string): Promise<Result<undefined>> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    return isMissing(error)
      ? accept(undefined)
      : refuse(`cannot make ${quote(folder, 300)} a site: ${fileErrorMessage(error)}`);
  }
  if (names.some((name) => ownNames.includes(name))) return accept(undefined);
  const foreign = names.sort().find((name) => name !== 'lost+found' && !name.startsWith('.'));
  if (foreign === undefined) return accept(undefined);
  return refuse(
    `cannot make ${quote(folder, 300)} a site: it holds ${quote(foreign)}, and all of a site is public; ` +
      'name a folder that is empty or not there, or give soil-server init --force',
  );
}
