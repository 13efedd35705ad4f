/** `soil-server deploy USER@HOST:DIR`: a folder on a plain web host -> a site there, its pages made there or here. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { quote } from '../../model/result.js';
import { readToolVersion, rebuildThere } from '../../ssh/remote-rebuild.js';
import { showTarget, withSsh, type SshHost } from '../../ssh/ssh-connection.js';
import { planSshTarget, type SshTarget } from '../../ssh/ssh-target.js';
import { exitStatus } from '../../command/command-context.js';
import type { CommandContext } from './command-context.js';
import { defaultLimits } from '../config/limits.js';
import { fetchRecords, sendPages, sendWebServers } from './remote-site.js';
import { readTitle } from '../disk/site-title.js';
import { Site } from '../site/site.js';

export interface DeployOptions {
  readonly sshPort?: string;
  readonly sshKey?: string;
  readonly knownHosts?: string;
  /** a folder here that keeps the records between two deployments */
  readonly mirror?: string;
}

/** Again on a site: its pages are brought up to date; no record is ever touched. */
export async function deployCommand(
  address: string,
  options: DeployOptions,
  context: CommandContext,
): Promise<number> {
  const target = await planSshTarget({ ...options, ssh: address, what: 'address' }, context);
  if (!target.ok) {
    context.warn(target.error);
    return exitStatus.usage;
  }
  const { folder } = target.value;
  const temporary = options.mirror === undefined ? await mkdtemp(join(tmpdir(), 'soil-deploy-')) : undefined;
  try {
    const done = await withSsh(target.value, async (host) => {
      await makeSiteFolder(host, folder);
      await sendWebServers(host.files, folder);
      context.print(
        `soil-server: snippets for nginx, Apache, lighttpd and Caddy are in ${folder}/.soil/web-servers/`,
      );
      const mirror =
        options.mirror === undefined ? join(temporary ?? '', 'site') : resolve(context.cwd, options.mirror);
      if (await isRebuiltThere(host, folder, context)) return;
      await rebuildHere(host, { folder, mirror, context });
      context.print('soil-server: run this again after publishing, and the pages are brought up to date');
    });
    if (done.ok) return exitStatus.ok;
    context.warn(`cannot deploy to ${quote(showTarget(target.value), 300)}: ${done.error}`);
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

/** False where the host has no soil-server, or lets nobody run anything. */
async function isRebuiltThere(
  host: SshHost,
  folder: SshTarget['folder'],
  { print }: CommandContext,
): Promise<boolean> {
  const [node, server] = [await readToolVersion(host, 'node'), await readToolVersion(host, 'soil-server')];
  print(`soil-server: the host has node ${node ?? '(none)'} and soil-server ${server ?? '(none)'}`);
  const end = await rebuildThere(host, folder);
  switch (end.kind) {
    case 'no-server':
      print('soil-server: no soil-server there: the pages are made here');
      return false;
    case 'busy':
    case 'failed':
      throw new Error(`soil-server rebuild failed there: ${end.reason}`);
    case 'rebuilt':
      print(end.text);
      print('soil-server: publish --ssh brings the pages up to date by itself');
      return true;
  }
}

async function rebuildHere(
  { files }: SshHost,
  { folder, mirror, context }: { folder: string; mirror: string; context: CommandContext },
): Promise<void> {
  const { now, print, warn } = context;
  const fetched = await fetchRecords(files, folder, mirror);
  const site = await Site.open(mirror, {
    limits: defaultLimits,
    now,
    title: await readTitle(mirror),
    useSnapshot: false,
  });
  if (!site.ok) throw new Error(site.error);
  try {
    for (const problem of site.value.problems) warn(`warning: ${problem}`);
    await site.value.refreshPages();
  } finally {
    await site.value.close();
  }
  const sent = await sendPages(files, mirror, folder);
  print(`soil-server: ${fetched} files of records fetched, ${sent} files of pages written`);
}
