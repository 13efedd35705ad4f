/**
 * Gives a container the repository of the working tree as a layer of its own: commits, branches and gc work in it, and the
 * repository of this machine stays as it was. Where the engine cannot do that, the repository is read-only.
 */
import { chmod, chown, lstat, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join, posix, relative } from 'node:path';
import { accept, quote, type Result } from '../../model/result.js';
import { quoteShellWord } from '../../model/shell-word.js';
import { callEngine, type Engine } from '../engine/engine.js';
import { readGitFolder } from '../git/git-folder.js';
import { planGitMounts, type GitMount, type GitMountPlan } from '../git/git-mounts.js';
import { containerRepo, formatMount } from './container-host.js';

export interface GitLayerOptions {
  readonly repo: string;
  readonly engine: Engine;
  /** the arguments of the engine that name the image */
  readonly imageArgs: readonly string[];
  /** a folder of the worker for the changes of tasks, on a disk; it is created, and removed at the end */
  readonly folder: string;
  /** the job has `git: writable`: its tasks change the repository itself */
  readonly isWritable: boolean;
  readonly report: (notice: string) => void;
}

/** The repository in the containers of one job, which all use the same layer. */
export interface GitLayer {
  /** Returns the engine's flags for a container that is started now. */
  flags(): readonly string[];
  /** Makes the repository read-only if a container did not start because of its layer. Returns whether to try again. */
  giveUp(reason: string): boolean;
  /** Removes the layer. Returns a notice if that is not possible. */
  remove(): Promise<string | undefined>;
}

const noLayer: GitLayer = { flags: () => [], giveUp: () => false, remove: () => Promise.resolve(undefined) };

/** Prepares the layer. Refuses a `.git` that names a folder which is no git repository. */
export async function createGitLayer(options: GitLayerOptions): Promise<Result<GitLayer>> {
  const { repo, engine, folder, isWritable } = options;
  const found = await readGitFolder(repo);
  if (!found.ok) return found;
  if (found.value === undefined) return accept(noLayer);
  const planned = await planGitMounts(found.value, { repo: containerRepo, environment: engine.environment });
  if (!planned.ok) return planned;
  const left = await removeLayer(options);
  if (left !== undefined) options.report(left);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const layer = await writeLayer(planned.value, folder);
  let mode: 'writable' | 'layer' | 'read-only' = isWritable ? 'writable' : 'layer';
  const makeReadOnly = (reason: string): void => {
    mode = 'read-only';
    options.report(`tasks can read the git repository, but not change it: ${reason}`);
  };
  const odd = layer.map(({ upper, source }) => `${source}${upper}`).join('');
  if (mode === 'layer' && /[:,"\\\n]/.test(odd)) {
    makeReadOnly('the engines cannot mount a layer over a path with one of the characters : , " \\');
  }
  return accept({
    flags: () => [...repositoryFlags(layer, mode, engine), ...fileFlags(planned.value, folder, mode)],
    giveUp: (reason) => {
      if (mode !== 'layer' || !/overlay|upperdir|workdir|lowerdir/i.test(reason)) return false;
      makeReadOnly(`${engine.program} cannot mount a layer over it: ${reason}`);
      return true;
    },
    remove: () => removeLayer(options),
  });
}

interface LayeredMount extends GitMount {
  /** receives what tasks write */
  readonly upper: string;
  readonly work: string;
}

/** Creates the folders of the layers, with the files that tasks see instead of the repository's. */
async function writeLayer(plan: GitMountPlan, folder: string): Promise<readonly LayeredMount[]> {
  const layer: LayeredMount[] = [];
  for (const [i, mount] of plan.repositories.entries()) {
    const [upper, work] = [join(folder, `upper-${i}`), join(folder, `work-${i}`)];
    await mkdir(work, { mode: 0o700 });
    await createLike(mount.source, upper);
    layer.push({ ...mount, upper, work });
  }
  for (const [i, { target, text }] of plan.files.entries()) {
    const mount = layer.find((one) => isBelow(target, one.target));
    if (mount === undefined) continue;
    const path = relative(mount.target, target);
    let at = '';
    for (const part of path.split('/').slice(0, -1)) {
      at = join(at, part);
      if ((await lstat(join(mount.upper, at)).catch(() => undefined)) === undefined)
        await createLike(join(mount.source, at), join(mount.upper, at));
    }
    await writeLike(join(mount.source, path), join(mount.upper, path), text);
    await writeLike(join(mount.source, path), join(folder, `file-${i}`), text);
  }
  if (plan.dotGit !== undefined) await writeFile(join(folder, 'dot-git'), plan.dotGit, { mode: 0o644 });
  return layer;
}

const isBelow = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`);

/** In a layer, a folder has the mode and owner of its upper part. */
async function createLike(source: string, path: string): Promise<void> {
  await mkdir(path);
  await copyRights(source, path);
}

async function writeLike(source: string, path: string, text: string): Promise<void> {
  await writeFile(path, text);
  await copyRights(source, path);
}

async function copyRights(source: string, path: string): Promise<void> {
  const { mode, uid, gid } = await lstat(source);
  if (process.getuid?.() === 0) await chown(path, uid, gid);
  await chmod(path, mode & 0o777);
}

function repositoryFlags(
  layer: readonly LayeredMount[],
  mode: 'writable' | 'layer' | 'read-only',
  { program }: Engine,
): readonly string[] {
  return layer.flatMap(({ source, target, upper, work }) => {
    if (mode !== 'layer') {
      // The working tree has its own `.git`, which can be written.
      if (mode === 'writable' && target === posix.join(containerRepo, '.git')) return [];
      return ['--mount', formatMount(source, target, { isReadOnly: mode === 'read-only' })];
    }
    if (program === 'podman') return ['--volume', `${source}:${target}:O,upperdir=${upper},workdir=${work}`];
    const options = `"volume-opt=o=lowerdir=${source},upperdir=${upper},workdir=${work}"`;
    const volume = 'volume-driver=local,volume-opt=type=overlay,volume-opt=device=overlay';
    return ['--mount', `type=volume,target=${target},volume-nocopy=true,${volume},${options}`];
  });
}

function fileFlags(
  { objects, files, dotGit }: GitMountPlan,
  folder: string,
  mode: 'writable' | 'layer' | 'read-only',
): readonly string[] {
  const readOnly = (source: string, target: string): string[] => [
    '--mount',
    formatMount(source, target, { isReadOnly: true }),
  ];
  return [
    ...objects.flatMap(({ source, target }) => readOnly(source, target)),
    ...(mode === 'layer'
      ? []
      : files.flatMap(({ target }, i) => readOnly(join(folder, `file-${i}`), target))),
    ...(dotGit === undefined ? [] : readOnly(join(folder, 'dot-git'), posix.join(containerRepo, '.git'))),
  ];
}

/** Removes the folder of the layer. What users of a container own can only be removed through the engine. */
async function removeLayer({ folder, engine, imageArgs }: GitLayerOptions): Promise<string | undefined> {
  try {
    await rm(folder, { recursive: true, force: true });
    return undefined;
  } catch {
    const inside = '/layer';
    const flags = ['--rm', '--network', 'none', '--user', '0:0', '--pull', 'never', '--entrypoint', 'rm'];
    const words =
      engine.program === 'podman'
        ? ['unshare', 'rm', '-rf', folder]
        : [
            ...['run', ...flags, '--mount', formatMount(dirname(folder), inside), ...imageArgs],
            ...['-rf', join(inside, relative(dirname(folder), folder))],
          ];
    await callEngine(engine, words, { timeoutSeconds: 300 });
    return rm(folder, { recursive: true, force: true }).then(
      () => undefined,
      (error: unknown) =>
        `cannot remove ${quote(folder, 300)}: ${error instanceof Error ? error.message : String(error)}. To remove it: sudo rm -rf ${quoteShellWord(folder)}`,
    );
  }
}
