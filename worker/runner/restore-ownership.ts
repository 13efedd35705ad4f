/** What a container's users have left in the repo -> the worker's user, by the rights that the engine has; no sudo. */
import { lchown, lstat } from 'node:fs/promises';
import { relative } from 'node:path';
import { lastLine } from '../system/log-tail.js';
import { failureReason, runProcess, type CommandResult } from '../system/run-process.js';
import { containerRepo, mount } from './container-host.js';
import { callEngine, type Engine } from '../engine/engine.js';

export interface RestoreOwnershipOptions {
  readonly repo: string;
  readonly engine: Engine;
  /** the words of `docker run` that name the image */
  readonly words: readonly string[];
  /** milliseconds since 1970: what was another user's before is left alone */
  readonly since: number;
}

/** So many paths fit into any command line. */
const batchSize = 200;
const limitSeconds = 300;

/** Gives the files back; a text where some could not be. */
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
      if (end.status !== 0) return `cannot take back files of the container's users: ${failureReason(end)}`;
    }
  }
  return undefined;
}

/** New files and folders of other users; what is in a folder that cannot be entered comes along with it. */
async function findForeign(
  { repo, engine, since }: RestoreOwnershipOptions,
  user: number,
): Promise<string[]> {
  const end = await runProcess('find', [repo, '-xdev', '!', '-user', String(user), '-print0'], {
    environment: engine.environment,
    timeoutSeconds: limitSeconds,
  });
  const paths = end.stdout.split('\0').filter((path) => path !== '' && path !== repo);
  const news = await Promise.all(
    paths.map((path) =>
      lstat(path).then(
        // The file system's clock ticks more coarsely than ours.
        ({ ctimeMs }) => ctimeMs >= since - 1000,
        () => false,
      ),
    ),
  );
  return paths.filter((_, i) => news[i]);
}

async function changeOwner(
  paths: readonly string[],
  owner: string,
  { engine, words: image, repo }: RestoreOwnershipOptions,
): Promise<CommandResult> {
  const options = { timeoutSeconds: limitSeconds };
  // In podman's user namespace the worker's user is root, and every user of its containers has a number.
  if (engine.program === 'podman') {
    return callEngine(engine, ['unshare', 'chown', '-hR', '0:0', '--', ...paths], options);
  }
  const info = await callEngine(engine, ['info', '--format', '{{.SecurityOptions}}']);
  const isRootless = info.status === 0 && (lastLine(info.stdout) ?? '').includes('name=rootless');
  const inside = paths.map((path) => `${containerRepo}/${relative(repo, path)}`);
  const words = ['run', '--rm', '--network', 'none', '--user', '0:0', '--pull', 'never'];
  return callEngine(
    engine,
    [
      ...[...words, '--mount', mount(repo, containerRepo), '--entrypoint', 'chown', ...image],
      ...['-hR', isRootless ? '0:0' : owner, '--', ...inside],
    ],
    options,
  );
}
