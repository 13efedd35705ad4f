/** `soil-server init DIR`: creates a site in a folder, or updates the pages of an existing one. */
import { exitStatus, usageError } from '../../command/command-context.js';
import { accept, quote } from '../../model/result.js';
import { isSite } from '../disk/private-folder.js';
import { checkSiteFolder } from '../disk/site-folder-check.js';
import type { CommandContext } from './command-context.js';
import { openSite } from './open-site.js';

export interface InitOptions {
  /** accept a folder that holds other files, which become public */
  readonly force?: boolean;
}

export async function initCommand(
  folder: string,
  { force = false }: InitOptions,
  context: CommandContext,
): Promise<number> {
  const { now, print } = context;
  const usable = force ? accept(undefined) : await checkSiteFolder(folder);
  if (!usable.ok) return usageError(context, usable.error);
  const wasSite = await isSite(folder);
  const site = await openSite(folder, { now });
  if (!site.ok) return usageError(context, site.error);
  try {
    await site.value.refreshPages();
  } finally {
    await site.value.close();
  }
  print(`soil-server: ${wasSite ? `${quote(folder)} is already a site` : `created site ${quote(folder)}`}`);
  return exitStatus.ok;
}
