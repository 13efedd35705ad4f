/** Makes the worker's user the owner of files that a container created in the repo, through the engine, without sudo. */
import { lchown, lstat } from 'node:fs/promises';
import { relative } from 'node:path';
import { lastLine } from '../system/log-tail.js';
import { failureReason, runProcess, type CommandResult } from '../system/run-process.js';
import { containerRepo, formatMount } from '../host/container-host.js';
import { callEngine, type Engine } from '../engine/engine.js';

export interface RestoreOwnershipOptions {
  readonly repo: string;
  readonly engine: Engine;
  /** the arguments of `docker run` that name the image */
  readonly imageArgs: readonly string[];
  /** milliseconds since 1970: files that changed earlier keep their owner */
  readonly since: number;
}

/** So few paths that they fit into any command line. */
const batchSize = 200;
const limitSeconds = 300;

/** Changes the owner of new files. Returns a notice if that failed for some. */
export async function restoreOwnership(options: RestoreOwnershipOptions): Promise<string | undefined> {
  const [user, group] = [process.getuid?.(), process.getgid?.()];
  if (user === undefined || group === undefined) return undefined;
  const foreign = await findForeign(options, user);
  if (foreign.length === 0) return undefined;
  if (user === 0) {
    await Promise.all(foreign.map((path) => lchown(path, user, group).catch(() => undefined)));
  } else {
    for (let at = 0; at < foreign.length; at += batchSize) {
      const end = await changeOwner(foreign.slice(at, at + batchSize), `${user}:${group}`, options);
      if (end.status !== 0)
        return `cannot change the owner of files that the container created: ${failureReason(end)}`;
    }
  }
  return undefined;
}

/** Finds new files and folders of other users. chown -R covers the content of folders that cannot be entered. */
async function findForeign(
  { repo, engine, since }: RestoreOwnershipOptions,
  user: number,
): Promise<string[]> {
  const end = await runProcess('find', [repo, '-xdev', '!', '-user', String(user), '-print0'], {
    environment: engine.environment,
    timeoutSeconds: limitSeconds,
  });
  const paths = end.stdout.split('\0').filter((path) => path !== '' && path !== repo);
  const isNew = await Promise.all(
    paths.map((path) =>
      lstat(path).then(
        // The file system's clock is coarser than this one.
        ({ ctimeMs }) => ctimeMs >= since - 1000,
        () => false,
      ),
    ),
  );
  return paths.filter((_, i) => isNew[i]);
}

async function changeOwner(
  paths: readonly string[],
  owner: string,
  { engine, imageArgs, repo }: RestoreOwnershipOptions,
): Promise<CommandResult> {
  const options = { timeoutSeconds: limitSeconds };
  // In podman's user namespace, the worker's user is root, and so may change files of all container users.
  if (engine.program === 'podman') {
    return callEngine(engine, ['unshare', 'chown', '-hR', '0:0', '--', ...paths], options);
  }
  const info = await callEngine(engine, ['info', '--format', '{{.SecurityOptions}}']);
  const isRootless = info.status === 0 && (lastLine(info.stdout) ?? '').includes('name=rootless');
  const pathsInside = paths.map((path) => `${containerRepo}/${relative(repo, path)}`);
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
