/** `soil-server init DIR`: a folder -> a site with its first pages. Again on a site: nothing is lost. */
import { accept, quote } from '../../model/result.js';
import { exitStatus } from '../../command/command-context.js';
import type { CommandContext } from './command-context.js';
import { refuseForeign } from '../disk/site-folder-check.js';
import { defaultLimits } from '../config/limits.js';
import { isSite } from '../disk/private-folder.js';
import { Site } from '../site/site.js';
import { readTitle } from '../disk/site-title.js';

export interface InitOptions {
  /** also a folder that holds other files: they are public from then on */
  readonly force?: boolean;
}

export async function initCommand(
  folder: string,
  { force = false }: InitOptions,
  { now, print, warn }: CommandContext,
): Promise<number> {
  const fit = force ? accept(undefined) : await refuseForeign(folder);
  if (!fit.ok) {
    warn(fit.error);
    return exitStatus.usage;
  }
  const wasSite = await isSite(folder);
  const site = await Site.open(folder, { limits: defaultLimits, now, title: await readTitle(folder) });
  if (!site.ok) {
    warn(site.error);
    return exitStatus.usage;
  }
  try {
    await site.value.refreshPages();
  } finally {
    await site.value.close();
  }
  print(`soil-server: ${quote(folder)} ${wasSite ? 'is a site already' : 'is a site now'}`);
  return exitStatus.ok;
}
