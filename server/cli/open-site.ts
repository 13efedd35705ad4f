/** Opens the site of a command, with the default limits and its stored title. */
import { type Result } from '../../model/result.js';
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
