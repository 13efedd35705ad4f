/** An image in a file or folder -> words for the engine's `run`: archives and OCI layouts are loaded, a root file system is used. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { errorMessage } from '../../model/error-message.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { failureReason, runProcess, type CommandResult } from '../system/run-process.js';
import { callEngine, type Engine } from './engine.js';
import type { ImageSource } from '../config/job-declaration.js';
import { readOciManifest } from './oci-layout.js';

export interface LoadedImage {
  readonly args: readonly string[];
  /** what `image inspect` takes; a root file system has none */
  readonly ref?: string;
  readonly release: () => Promise<void>;
}

type FileSource = Extract<ImageSource, { readonly kind: 'file' }>;

const loadSeconds = 30 * 60;
const keep = (): Promise<void> => Promise.resolve();

/** `path` is absolute. */
export async function loadImage(
  engine: Engine,
  { form, path }: FileSource,
  cancel: AbortSignal,
): Promise<Result<LoadedImage>> {
  const because = (reason: string) => refuse(`cannot load image ${quote(`${form}:${path}`, 300)}: ${reason}`);
  const found = await stat(path).catch((error: unknown) => errorMessage(error));
  if (typeof found === 'string') return because(found);
  if (found.isDirectory() === (form === 'docker-archive')) {
    return because(form === 'docker-archive' ? 'it is a folder' : 'it is no folder');
  }
  const load = new Loader(engine, cancel);
  const end = await load.take(form, path).catch((error: unknown) => errorMessage(error));
  if (typeof end === 'string') return because(end);
  return accept(end);
}

/** Each way throws its reason. */
class Loader {
  constructor(
    private readonly engine: Engine,
    private readonly cancel: AbortSignal,
  ) {}

  async take(form: FileSource['form'], path: string): Promise<LoadedImage> {
    const isPodman = this.engine.program === 'podman';
    switch (form) {
      case 'docker-archive':
        return isPodman ? this.#pull(`${form}:${path}`) : this.#load(path);
      case 'oci':
        return isPodman ? this.#pullLayout(path) : this.#loadLayout(path);
      case 'rootfs':
        // `:O`: what the tasks write goes into a layer above it, which ends with the container.
        return isPodman ? { args: ['--rootfs', `${path}:O`], release: keep } : this.#import(path);
    }
  }

  async #pull(source: string): Promise<LoadedImage> {
    return one(await this.#call('pull', '--quiet', source), /^([0-9a-f]{64})$/gm);
  }

  /** podman names the image after the folder, and fails where that is no name of an image: a folder called `Images`. */
  async #pullLayout(folder: string): Promise<LoadedImage> {
    const link = join(tmpdir(), `soil-image-${randomBytes(8).toString('hex')}`);
    await symlink(folder, link);
    try {
      const image = await this.#pull(`oci:${link}`);
      // A name for each time would pile up.
      await callEngine(this.engine, ['untag', ...image.args, `localhost${link}:latest`]);
      return image;
    } finally {
      await rm(link);
    }
  }

  async #load(archive: string): Promise<LoadedImage> {
    const printed = await this.#call('load', '--quiet', '--input', archive);
    return one(printed, /^Loaded image(?: ID)?: (\S+)$/gm);
  }

  /** docker knows a tar with its own `manifest.json`, which may name an OCI layout's blobs as they are. */
  async #loadLayout(folder: string): Promise<LoadedImage> {
    const manifest = await readOciManifest(folder);
    return this.#throughTar(async (tar, temporary) => {
      await writeFile(join(temporary, 'manifest.json'), JSON.stringify([manifest]));
      await this.#tar(['-cf', tar, '-C', folder, 'blobs', '-C', temporary, 'manifest.json']);
      return this.#load(tar);
    });
  }

  /** docker has no `--rootfs`: the folder becomes an image, for this job alone. */
  async #import(folder: string): Promise<LoadedImage> {
    return this.#throughTar(async (tar) => {
      await this.#tar(['-cf', tar, '--numeric-owner', '-C', folder, '.']);
      const image = one(await this.#call('import', tar), /^(sha256:[0-9a-f]{64})$/gm);
      const release = async (): Promise<void> => {
        await callEngine(this.engine, ['image', 'rm', '--force', image.ref ?? '']);
      };
      return { ...image, release };
    });
  }

  async #throughTar(work: (tar: string, temporary: string) => Promise<LoadedImage>): Promise<LoadedImage> {
    const temporary = await mkdtemp(join(tmpdir(), 'soil-image-'));
    try {
      return await work(join(temporary, 'image.tar'), temporary);
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
  }

  async #call(...args: string[]): Promise<string> {
    return succeed(await callEngine(this.engine, args, { timeoutSeconds: loadSeconds, cancel: this.cancel }));
  }

  async #tar(args: readonly string[]): Promise<void> {
    const { environment } = this.engine;
    succeed(await runProcess('tar', args, { environment, timeoutSeconds: loadSeconds, cancel: this.cancel }));
  }
}

function succeed(end: CommandResult): string {
  if (end.status !== 0) throw new Error(failureReason(end));
  return end.stdout;
}

/** The only image that the engine names; an archive of several would leave it to chance which one runs. */
function one(printed: string, pattern: RegExp): LoadedImage & { readonly ref?: string } {
  const names = [...new Set([...printed.matchAll(pattern)].map(([, name = '']) => name))];
  const [ref] = names;
  if (ref === undefined || names.length > 1)
    throw new Error(`it holds ${names.length} images; it must be one`);
  return { args: [ref], ref, release: keep };
}
