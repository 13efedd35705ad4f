/** Opens the site that a command names, as every command does. */
import { quote, type Result } from '../../model/result.js';
import { defaultLimits } from '../config/limits.js';
import { readTitle } from '../disk/site-title.js';
import { Site } from '../site/site.js';

/** Opens a site and locks it. Without the snapshot, every record is read again. `now` returns seconds since 1970. */
export async function openSite(
  folder: string,
  { now, useSnapshot = true }: { readonly now: () => number; readonly useSnapshot?: boolean },
): Promise<Result<Site>> {
  return Site.open(folder, { limits: defaultLimits, now, title: await readTitle(folder), useSnapshot });
}

/** The message for a folder that is not a site; `action` as in "cannot check". */
export const notASite = (action: string, folder: string): string =>
  `${action} ${quote(folder)}: not a site. To create one: soil-server init --site ${quote(folder)}`;
