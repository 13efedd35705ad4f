/**
 * Takes over the files that a container created in the repo: they belong to the worker's user afterwards, and none of them
 * runs with the rights of another user. A task that is root in a container can leave a setuid program of root.
 */
import { chmodSync, chownSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isMissing } from '../../files/atomic-file.js';
import { EntryError, type FolderEntry } from '../../files/folder-entry.js';
import { UntrustedFolder } from '../../files/untrusted-folder.js';
import { quote } from '../../model/result.js';
import { containerRepo, formatMount } from '../host/container-host.js';
import { callEngine, type Engine } from '../engine/engine.js';
import { lastLine } from '../system/log-tail.js';
import { failureReason, runProcess, type CommandResult } from '../system/run-process.js';

export interface RestoreOwnershipOptions {
  readonly repo: string;
  readonly engine: Engine;
  /** the arguments of `docker run` that name the image */
  readonly imageArgs: readonly string[];
  /** milliseconds since 1970: files that changed earlier are kept as they are */
  readonly since: number;
}

/** So few paths that they fit into any command line. */
const batchSize = 200;
const limitSeconds = 300;
const maxListBytes = 256 * 1024 * 1024;

/** Changes the owner of new files, and removes rights and devices. Returns notices. */
export async function restoreOwnership(options: RestoreOwnershipOptions): Promise<readonly string[]> {
  const user = process.getuid?.();
  const group = process.getgid?.();
  if (user === undefined || group === undefined) return [];
  let folder: UntrustedFolder;
  try {
    folder = new UntrustedFolder(options.repo);
  } catch (error) {
    if (error instanceof EntryError) return []; // a task removed the repo
    throw error;
  }
  try {
    const notices: string[] = [];
    const isNew = ({ stats }: FolderEntry): boolean =>
      // The file system's clock is coarser than this one.
      stats.ctimeMs >= options.since - 1000;
    const find = async (): Promise<readonly Buffer[]> => {
      const found = await findCandidates(options, user);
      notices.push(...found.notices);
      return found.paths.filter((path) => check(folder, path, isNew));
    };
    let paths = await find();
    const foreign = paths.filter((path) => check(folder, path, ({ stats }) => stats.uid !== user));
    if (user !== 0 && foreign.length > 0) {
      const failure = await changeOwners(folder, foreign, { ...options, owner: `${user}:${group}` });
      if (failure !== undefined) return [...notices, failure];
      // Now this process can enter the folders.
      paths = await find();
    }
    const failures: string[] = [];
    for (const path of paths) takeOver(folder, path, { user, group, notices, failures });
    if (failures[0] !== undefined)
      notices.push(`cannot take over ${failures.length} paths that the container created: ${failures[0]}`);
    return notices;
  } finally {
    folder.close();
  }
}

function check(folder: UntrustedFolder, path: Buffer, test: (entry: FolderEntry) => boolean): boolean {
  try {
    return folder.use(path, test);
  } catch (error) {
    if (error instanceof EntryError) return false;
    throw error;
  }
}

/**
 * Finds files of other users, setuid programs, devices, and programs that changed since the job started, which may have
 * capabilities. Returns their paths in the repo as bytes, since a name need not be UTF-8.
 */
async function findCandidates(
  { repo, engine, since }: RestoreOwnershipOptions,
  user: number,
): Promise<{ readonly paths: readonly Buffer[]; readonly notices: string[] }> {
  const minutes = Math.ceil((Date.now() - since) / 60_000) + 1;
  const either = (...tests: readonly (readonly string[])[]): readonly string[] => [
    ...['(', ...tests.flatMap((test, i) => (i === 0 ? test : ['-o', ...test])), ')'],
  ];
  const tests = either(
    ['!', '-user', String(user)],
    ['-type', 'b'],
    ['-type', 'c'],
    ['-type', 'f', '-perm', '/7000'],
    ['-type', 'f', '-perm', '/111', '-cmin', `-${minutes}`],
  );
  const end = await runProcess('find', ['.', '-xdev', ...tests, '-print0'], {
    ...{ environment: engine.environment, cwd: repo, timeoutSeconds: limitSeconds },
    ...{ encoding: 'latin1', maxOutputBytes: maxListBytes },
  });
  const notices: string[] = [];
  if (end.failure !== undefined || end.stdout.length >= maxListBytes)
    notices.push(`cannot check all files that the container created: ${end.failure ?? 'there are too many'}`);
  const paths = end.stdout.split('\0').filter((path) => path !== '' && path !== '.');
  return { paths: paths.map((path) => Buffer.from(path, 'latin1')), notices };
}

/**
 * Makes one entry the user's own, through its descriptor. Removes a device: its node works outside the container too. A
 * change of the owner removes the capabilities of a program, even if the owner stays the same (capabilities(7)).
 */
function takeOver(
  folder: UntrustedFolder,
  path: Buffer,
  { user, group, notices, failures }: TakeOverOptions,
): void {
  const shown = quote(path.toString(), 300);
  try {
    const isDevice = folder.use(path, (entry) => {
      const { stats } = entry;
      if (stats.isBlockDevice() || stats.isCharacterDevice()) return true;
      if (stats.uid !== user) chownSync(entry.path, user, group);
      else if (stats.isFile()) chownSync(entry.path, stats.uid, stats.gid);
      if (stats.isFile() && (stats.mode & 0o7000) !== 0) chmodSync(entry.path, stats.mode & 0o777);
      return false;
    });
    if (!isDevice) return;
    folder.remove(path);
    notices.push(`removed ${shown}: it is a device, which works outside the container too`);
  } catch (error) {
    if (!(error instanceof EntryError)) throw error;
    if (!isMissing(error)) failures.push(`${shown}: ${error.message}`);
  }
}

interface TakeOverOptions {
  readonly user: number;
  readonly group: number;
  readonly notices: string[];
  /** paths, and why they are not taken over */
  readonly failures: string[];
}

/** Changes the owner of files through the engine: only it may change the files of a container's users. */
async function changeOwners(
  folder: UntrustedFolder,
  paths: readonly Buffer[],
  options: RestoreOwnershipOptions & { readonly owner: string },
): Promise<string | undefined> {
  const named = [...new Set(paths.map(nameableParent))].filter((path) =>
    check(folder, Buffer.from(path), () => true),
  );
  for (let at = 0; at < named.length; at += batchSize) {
    const end = await changeOwner(named.slice(at, at + batchSize), options);
    if (end.status !== 0)
      return `cannot change the owner of files that the container created: ${failureReason(end)}`;
  }
  return undefined;
}

/** Returns a path, or the nearest folder above it that can be an argument: arguments of programs are UTF-8 here. */
function nameableParent(path: Buffer): string {
  let text = path.toString('latin1');
  while (!isUtf8(Buffer.from(text, 'latin1'))) text = dirname(text);
  return Buffer.from(text, 'latin1').toString();
}

const isUtf8 = (bytes: Buffer): boolean => Buffer.compare(Buffer.from(bytes.toString()), bytes) === 0;

async function changeOwner(
  paths: readonly string[],
  { engine, imageArgs, repo, owner }: RestoreOwnershipOptions & { readonly owner: string },
): Promise<CommandResult> {
  const options = { timeoutSeconds: limitSeconds };
  // In podman's user namespace, the worker's user is root, and so may change files of all container users. -R covers the
  // content of folders that this process cannot enter.
  if (engine.program === 'podman') {
    const words = ['unshare', 'chown', '-hR', '0:0', '--', ...paths.map((path) => join(repo, path))];
    return callEngine(engine, words, options);
  }
  const info = await callEngine(engine, ['info', '--format', '{{.SecurityOptions}}']);
  const isRootless = info.status === 0 && (lastLine(info.stdout) ?? '').includes('name=rootless');
  const pathsInside = paths.map((path) => join(containerRepo, path));
  const run = ['run', '--rm', '--network', 'none', '--user', '0:0', '--pull', 'never'];
  return callEngine(
    engine,
    [
      ...[...run, '--mount', formatMount(repo, containerRepo), '--entrypoint', 'chown', ...imageArgs],
      ...['-hR', isRootless ? '0:0' : owner, '--', ...pathsInside],
    ],
    options,
  );
}
