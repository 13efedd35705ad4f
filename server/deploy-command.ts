/** `soil-server deploy USER@HOST:DIR`: a folder on a plain web host -> a site there, its pages made there or here. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { quote } from '../model/result.js';
import { showTarget, withSsh, type SshHost } from '../ssh/ssh-connection.js';
import { planSshTarget, type SshContext, type SshTarget } from '../ssh/ssh-target.js';
import { exit, siteTitle, type CommandContext } from './command-context.js';
import { defaultLimits } from './limits.js';
import { fetchRecords, sendPages, sendWebServers } from './remote-site.js';
import { Site } from './site.js';

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
  context: CommandContext & SshContext,
): Promise<number> {
  const target = await planSshTarget({ ...options, ssh: address, what: 'address' }, context);
  if (!target.ok) {
    context.warn(target.error);
    return exit.wrongUse;
  }
  const { folder } = target.value;
  const temporary = options.mirror === undefined ? await mkdtemp(join(tmpdir(), 'soil-deploy-')) : undefined;
  try {
    const done = await withSsh(target.value, async (host) => {
      await makeSiteFolder(host, folder);
      await sendWebServers(host.files, folder);
      context.print(
        `soil-server: snippets for nginx, Apache and lighttpd are in ${folder}/.soil/web-servers/`,
      );
      const mirror =
        options.mirror === undefined ? join(temporary ?? '', 'site') : resolve(context.cwd, options.mirror);
      if (await rebuildThere(host, folder, context)) return;
      await rebuildHere(host, { folder, mirror, context });
      context.print('soil-server: run this again after publishing, and the pages are brought up to date');
    });
    if (done.ok) return exit.fine;
    context.warn(`cannot deploy to ${quote(showTarget(target.value), 300)}: ${done.error}`);
    return exit.failed;
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
async function rebuildThere(
  { execute }: SshHost,
  folder: SshTarget['folder'],
  { print }: CommandContext,
): Promise<boolean> {
  const tool = async (name: string): Promise<string | undefined> => {
    const end = await execute(`command -v ${name} >/dev/null 2>&1 && ${name} --version`).catch(
      () => undefined,
    );
    return end?.status === 0 ? end.stdout.trim() : undefined;
  };
  const [node, server] = [await tool('node'), await tool('soil-server')];
  print(`soil-server: the host has node ${node ?? '(none)'} and soil-server ${server ?? '(none)'}`);
  if (server === undefined) {
    print('soil-server: no soil-server there: the pages are made here');
    return false;
  }
  // `--site=` takes whatever follows, also a folder that begins with a hyphen.
  const end = await execute(`soil-server rebuild --site=${shellWord(folder)}`);
  if (end.status !== 0) {
    throw new Error(
      `soil-server rebuild failed there: ${end.stderr.trim() || `status ${String(end.status)}`}`,
    );
  }
  print(end.stdout.trim());
  print(`soil-server: after publishing, run there: soil-server rebuild ${shellWord(folder)}`);
  return true;
}

async function rebuildHere(
  { files }: SshHost,
  { folder, mirror, context }: { folder: string; mirror: string; context: CommandContext },
): Promise<void> {
  const { now, print, warn } = context;
  const fetched = await fetchRecords(files, folder, mirror);
  const site = await Site.open(mirror, { limits: defaultLimits, now, title: siteTitle, useSnapshot: false });
  if (!site.ok) throw new Error(site.error);
  try {
    for (const problem of site.value.problems) warn(`warning: ${problem}`);
    await site.value.showAll();
  } finally {
    await site.value.close();
  }
  const sent = await sendPages(files, mirror, folder);
  print(`soil-server: ${fetched} files of records fetched, ${sent} files of pages written`);
}

const shellWord = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
