/** `soil-server prune DIR [--dry-run]` and `soil-server pin RUN`: a site and its policy -> what went, or would go, one line a run. */
import { mkdir, readFile, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileFault } from '../../model/file-fault.js';
import { quote, refuse, type Result } from '../../model/result.js';
import { hostFolder } from '../../model/path.js';
import { bytesText, countText } from '../../templates/wording.js';
import { exitStatus } from '../../command/command-context.js';
import type { CommandContext } from './command-context.js';
import { JobDetailsCache } from '../store/job-details-cache.js';
import { writePage } from '../disk/atomic-file.js';
import { defaultLimits } from '../config/limits.js';
import { changePin } from '../retention/pin-store.js';
import { isSite, privateFolder } from '../disk/private-folder.js';
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
import { Site } from '../site/site.js';
import { renderRetention, summarize } from '../retention/retention-page.js';

export interface PruneCommandOptions {
  readonly config?: string;
  readonly dryRun?: boolean;
  /** where the page of a dry run is written */
  readonly page?: string;
}

/** Exit status: 0 done, or there was nothing to do; 2 for wrong use, or another process has the site. */
export async function pruneCommand(
  folder: string,
  { config = 'soil-server.yml', dryRun = false, page }: PruneCommandOptions,
  context: CommandContext,
): Promise<number> {
  const { now, print, warn, cancel } = context;
  const policy = await policyIn(config, folder);
  if (!policy.ok) {
    warn(policy.error);
    return exitStatus.usage;
  }
  if (!(await isSite(folder))) {
    warn(`cannot prune ${quote(folder)}: it is no site`);
    return exitStatus.usage;
  }
  if (page !== undefined && !dryRun) {
    warn('cannot write --page: it shows what would go, so that it needs --dry-run');
    return exitStatus.usage;
  }
  if (dryRun) return planOnly(folder, { policy: policy.value, page }, context);
  const title = await readTitle(folder);
  const opened = await Site.open(folder, { limits: defaultLimits, now, title });
  if (!opened.ok) {
    warn(`${opened.error}; a server prunes by itself, and at once when it is asked: POST /prune`);
    return exitStatus.usage;
  }
  const site = opened.value;
  try {
    for (const problem of site.problems) warn(`warning: ${problem}`);
    await site.refreshPages();
    const { runs, wwz, bytes } = await pruneSite(site, { policy: policy.value, now, stop: cancel });
    print(
      `soil-server: removed ${countText(runs, 'run')}, and the wwz files of ${wwz} more: ${bytesText(bytes)}`,
    );
    return exitStatus.ok;
  } finally {
    await site.close();
  }
}

/** The policy of the project that has the folder; a file without projects has one for any. */
async function policyIn(file: string, folder: string): Promise<Result<RetentionPolicy>> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    return refuse(`cannot read ${quote(file)}: ${fileFault(error)}; --config names the file with the limits`);
  }
  if (!/^['"]?projects['"]?\s*:/m.test(text)) {
    const parsed = parseRetentionText(text, file);
    return parsed.ok ? requirePolicy(parsed.value, file) : parsed;
  }
  const config = parseServerConfig(text, resolve(file));
  if (!config.ok) return config;
  const project = config.value.projects.find((one) => one.folder === resolve(folder));
  if (project !== undefined) return requirePolicy(project.retention, file);
  return refuse(`cannot prune ${quote(folder)}: no project of ${quote(file)} has that site`);
}

/** Reads the site as it is, without its lock: a server may go on meanwhile. */
async function planOnly(
  folder: string,
  { policy, page }: { readonly policy: RetentionPolicy; readonly page: string | undefined },
  { now, print }: CommandContext,
): Promise<number> {
  const own = privateFolder(folder);
  const details = new JobDetailsCache(folder, defaultLimits);
  const title = await readTitle(folder);
  const options = { own, limits: defaultLimits, title, details, useSnapshot: true };
  const { state } = await readSite(folder, options);
  const time = now();
  const verdicts = await planSite(folder, { state, own, policy, now: time });
  for (const { run, tier, rule = '' } of verdicts) {
    if (tier === undefined) continue;
    const what = tier === 'run' ? 'the whole run' : 'its wwz files';
    print(`${run.host}/${run.run}: ${what}: ${rule}`);
  }
  print(`soil-server: ${summarize(verdicts)}`);
  const file = resolve(page ?? join(own.root, 'retention.html'));
  const way = relative(dirname(file), resolve(folder)).split(sep).map(encodeURIComponent).join('/');
  const toSite = way === '' ? '' : `${way}/`;
  await mkdir(dirname(file), { recursive: true });
  writePage(file, renderRetention(verdicts, { title, toSite, policy, now: time }));
  print(`soil-server: the page is ${file}`);
  return exitStatus.ok;
}

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );

/** `RUN` is HOST/NAME. Works while a server has the site. */
export async function pinCommand(
  folder: string,
  { run, isPinned }: { readonly run: string; readonly isPinned: boolean },
  { print, warn }: CommandContext,
): Promise<number> {
  const pin = parseRunPin(run);
  if (!pin.ok || !(await isSite(folder))) {
    warn(pin.ok ? `cannot pin in ${quote(folder)}: it is no site` : pin.error);
    return exitStatus.usage;
  }
  const changed = await changePin(privateFolder(folder), pin.value, { isPinned });
  if (!changed.ok) {
    warn(changed.error);
    return exitStatus.usage;
  }
  const { host, name } = pin.value;
  // On sourcehut a name may be a commit, which has no folder of its own.
  const isThere = host === 'sourcehut' || (await isFolder(join(folder, hostFolder(host), name)));
  if (isPinned && !isThere) {
    warn(`notice: ${hostFolder(host)}/${name} is not there; the pin is for a run of that name that comes`);
  }
  const now = isPinned ? 'pinned' : 'not pinned';
  print(`soil-server: ${run} is ${changed.value ? now : `${now} already`}`);
  return exitStatus.ok;
}
