/** `soil-server deploy USER@HOST:DIR`: creates a site on a plain web host over SSH, or updates its pages. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { exitStatus, usageError } from '../../command/command-context.js';
import { quote } from '../../model/result.js';
import { readToolVersion, rebuildRemotely } from '../../ssh/remote-rebuild.js';
import { formatTarget, withSsh, type SshHost } from '../../ssh/ssh-connection.js';
import { planSshTarget } from '../../ssh/ssh-target.js';
import { countText } from '../../templates/wording.js';
import type { CommandContext } from './command-context.js';
import { openSite } from './open-site.js';
import { fetchRecords, sendPages, sendWebServerSnippets } from './remote-site.js';

export interface DeployOptions {
  readonly sshPort?: string;
  readonly sshKey?: string;
  readonly knownHosts?: string;
  /** a local folder that keeps the records between two deployments */
  readonly mirror?: string;
}

/** Returns 0, 1 if the deployment failed, 2 for a usage error. Never changes a record, so it is safe to run again. */
export async function deployCommand(
  address: string,
  options: DeployOptions,
  context: CommandContext,
): Promise<number> {
  const { cwd, print, warn } = context;
  const target = await planSshTarget({ ...options, ssh: address, what: 'address' }, context);
  if (!target.ok) return usageError(context, target.error);
  const { folder } = target.value;
  const temporary = options.mirror === undefined ? await mkdtemp(join(tmpdir(), 'soil-deploy-')) : undefined;
  const mirror = options.mirror === undefined ? join(temporary ?? '', 'site') : resolve(cwd, options.mirror);
  try {
    const deployed = await withSsh(target.value, async (host) => {
      await makeSiteFolder(host, folder);
      await sendWebServerSnippets(host.files, folder);
      print(
        `soil-server: wrote snippets for nginx, Apache, lighttpd and Caddy to ${folder}/.soil/web-servers/`,
      );
      if (await rebuildOnHost(host, folder, context)) return;
      await rebuildLocally(host, { folder, mirror, context });
      print('soil-server: to update the pages after publishing, run this command again');
    });
    if (deployed.ok) return exitStatus.ok;
    warn(`cannot deploy to ${quote(formatTarget(target.value), 300)}: ${deployed.error}`);
    return exitStatus.failed;
  } finally {
    if (temporary !== undefined) await rm(temporary, { recursive: true, force: true });
  }
}

async function makeSiteFolder({ files }: SshHost, folder: string): Promise<void> {
  const [first = '', ...parts] = folder.split('/');
  let path = first;
  if (first !== '') await files.makeFolder(first);
  for (const part of parts) {
    path += `/${part}`;
    if (!(await files.exists(path))) await files.makeFolder(path);
  }
}

/** Returns false if the host has no soil-server, or runs no programs for this user. Throws if the rebuild fails. */
async function rebuildOnHost(host: SshHost, folder: string, { print }: CommandContext): Promise<boolean> {
  const [node, server] = [await readToolVersion(host, 'node'), await readToolVersion(host, 'soil-server')];
  print(`soil-server: found on the host: node ${node ?? '(none)'}, soil-server ${server ?? '(none)'}`);
  const end = await rebuildRemotely(host, folder);
  switch (end.kind) {
    case 'no-server':
      print('soil-server: no soil-server on the host: rendering the pages on this machine');
      return false;
    case 'busy':
    case 'failed':
      throw new Error(`soil-server rebuild failed on the host: ${end.reason}`);
    case 'rebuilt':
      print(end.text);
      print('soil-server: soil-worker publish --ssh will update the pages');
      return true;
  }
}

async function rebuildLocally(
  { files }: SshHost,
  { folder, mirror, context }: { folder: string; mirror: string; context: CommandContext },
): Promise<void> {
  const { now, print, warn } = context;
  const fetched = await fetchRecords(files, folder, mirror);
  const site = await openSite(mirror, { now, useSnapshot: false });
  if (!site.ok) throw new Error(site.error);
  try {
    for (const problem of site.value.problems) warn(`warning: ${problem}`);
    await site.value.refreshPages();
  } finally {
    await site.value.close();
  }
  const sent = await sendPages(files, mirror, folder);
  print(`soil-server: fetched ${countText(fetched, 'record file')}, sent ${countText(sent, 'page file')}`);
}
