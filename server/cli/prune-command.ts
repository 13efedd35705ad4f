/** `soil-server prune DIR [--dry-run]` applies the retention policy; `soil-server pin RUN` protects a run from it. */
import { mkdir, readFile, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileErrorMessage } from '../../model/error-message.js';
import { quote, refuse, type Result } from '../../model/result.js';
import { hostFolder } from '../../model/path.js';
import { bytesText, countText } from '../../templates/wording.js';
import { exitStatus, usageError } from '../../command/command-context.js';
import type { CommandContext } from './command-context.js';
import { openSite } from './open-site.js';
import { JobDetailsCache } from '../store/job-details-cache.js';
import { writePage } from '../disk/site-files.js';
import { defaultLimits } from '../config/limits.js';
import { changePin } from '../retention/pin-store.js';
import { isSite, notASite, privateFolder } from '../disk/private-folder.js';
import { planSite, pruneSite } from '../retention/prune.js';
import {
  parseRetentionText,
  parseRunPin,
  requirePolicy,
  type RetentionPolicy,
} from '../config/retention-policy.js';
import { parseServerConfig } from '../config/server-config.js';
import { readSite } from '../site/read-site.js';
import { readTitle } from '../disk/site-title.js';
import { renderRetention, summarize } from '../retention/retention-page.js';

export interface PruneCommandOptions {
  readonly config?: string;
  readonly dryRun?: boolean;
  /** path of the page that a dry run writes */
  readonly page?: string;
}

/** Returns 0 if the site is pruned, 2 for a usage error or a locked site. */
export async function pruneCommand(
  folder: string,
  { config = 'soil-server.yml', dryRun = false, page }: PruneCommandOptions,
  context: CommandContext,
): Promise<number> {
  const { now, print, warn, cancel } = context;
  const policy = await readPolicy(config, folder);
  if (!policy.ok) return usageError(context, policy.error);
  if (!(await isSite(folder))) return usageError(context, notASite('cannot prune', folder));
  if (page !== undefined && !dryRun) {
    return usageError(context, 'cannot write --page without --dry-run: the page shows what would be removed');
  }
  if (dryRun) return printPlan(folder, { policy: policy.value, page }, context);
  const opened = await openSite(folder, { now });
  if (!opened.ok) {
    return usageError(context, `${opened.error}; a running server prunes by itself, or on POST /prune`);
  }
  const site = opened.value;
  try {
    for (const problem of site.problems) warn(`warning: ${problem}`);
    await site.refreshPages();
    const { runs, wwz, bytes } = await pruneSite(site, { policy: policy.value, now, stop: cancel });
    print(
      `soil-server: removed ${countText(runs, 'run')} and the wwz files of ${wwz} more: ${bytesText(bytes)}`,
    );
    return exitStatus.ok;
  } finally {
    await site.close();
  }
}

/** Reads the policy of the project whose site is `folder`. In a file without projects, the policy is for any site. */
async function readPolicy(file: string, folder: string): Promise<Result<RetentionPolicy>> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    return refuse(
      `cannot read ${quote(file)}: ${fileErrorMessage(error)}; --config names the file with the retention policy`,
    );
  }
  if (!/^['"]?projects['"]?\s*:/m.test(text)) {
    const parsed = parseRetentionText(text, file);
    return parsed.ok ? requirePolicy(parsed.value, file) : parsed;
  }
  const config = parseServerConfig(text, resolve(file));
  if (!config.ok) return config;
  const project = config.value.projects.find((one) => one.folder === resolve(folder));
  if (project !== undefined) return requirePolicy(project.retention, file);
  return refuse(`cannot prune ${quote(folder)}: no project in ${quote(file)} has this site`);
}

/** Prints what a prune would remove. Does not lock the site, so it works while a server runs. */
async function printPlan(
  folder: string,
  { policy, page }: { readonly policy: RetentionPolicy; readonly page: string | undefined },
  { now, print }: CommandContext,
): Promise<number> {
  const paths = privateFolder(folder);
  const details = new JobDetailsCache(folder, defaultLimits);
  const title = await readTitle(folder);
  const options = { paths, limits: defaultLimits, title, details, useSnapshot: true };
  const { state } = await readSite(folder, options);
  const time = now();
  const verdicts = await planSite(folder, { state, paths, policy, now: time });
  for (const { run, tier, rule = '' } of verdicts) {
    if (tier === undefined) continue;
    const what = tier === 'run' ? 'the whole run' : 'its wwz files';
    print(`${run.host}/${run.run}: ${what}: ${rule}`);
  }
  print(`soil-server: ${summarize(verdicts)}`);
  const file = resolve(page ?? join(paths.root, 'retention.html'));
  const path = relative(dirname(file), resolve(folder)).split(sep).map(encodeURIComponent).join('/');
  const toSite = path === '' ? '' : `${path}/`;
  await mkdir(dirname(file), { recursive: true });
  writePage(file, renderRetention(verdicts, { title, toSite, policy, now: time }));
  print(`soil-server: wrote ${file}`);
  return exitStatus.ok;
}

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );

/** Adds or removes a pin. `run` is HOST/NAME. Works while a server has locked the site. */
export async function pinCommand(
  folder: string,
  { run, isPinned }: { readonly run: string; readonly isPinned: boolean },
  context: CommandContext,
): Promise<number> {
  const { print, warn } = context;
  const pin = parseRunPin(run);
  if (!pin.ok) return usageError(context, pin.error);
  if (!(await isSite(folder))) return usageError(context, notASite('cannot pin a run of', folder));
  const changed = await changePin(privateFolder(folder), pin.value, { isPinned });
  if (!changed.ok) return usageError(context, changed.error);
  const { host, name } = pin.value;
  // On sourcehut a name may be a commit, which has no folder of its own.
  const exists = host === 'sourcehut' || (await isFolder(join(folder, hostFolder(host), name)));
  if (isPinned && !exists) {
    warn(`notice: ${hostFolder(host)}/${name} does not exist yet; the pin will apply when it is published`);
  }
  const state = isPinned ? 'pinned' : 'not pinned';
  print(`soil-server: ${run} ${changed.value ? `is now ${state}` : `was already ${state}`}`);
  return exitStatus.ok;
}
