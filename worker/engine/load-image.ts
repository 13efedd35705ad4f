/** Loads an image from an archive, an OCI layout or a root file system in the repo. */
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
  /** the arguments of `podman run` or `docker run` that name the image */
  readonly args: readonly string[];
  /** the argument of `image inspect`; a root file system has none */
  readonly ref?: string;
  /** removes what was created only for this job */
  readonly release: () => Promise<void>;
}

type FileSource = Extract<ImageSource, { readonly kind: 'file' }>;

const loadSeconds = 30 * 60;
const nothingToRelease = (): Promise<void> => Promise.resolve();

/** Loads the image at an absolute path. Fails if it has another form or is not exactly one image. */
export async function loadImage(
  engine: Engine,
  { form, path }: FileSource,
  cancel: AbortSignal,
): Promise<Result<LoadedImage>> {
  const fail = (reason: string) => refuse(`cannot load image ${quote(`${form}:${path}`, 300)}: ${reason}`);
  const stats = await stat(path).catch((error: unknown) => errorMessage(error));
  if (typeof stats === 'string') return fail(stats);
  if (stats.isDirectory() === (form === 'docker-archive')) {
    return fail(form === 'docker-archive' ? 'it is a folder' : 'not a folder');
  }
  // The engine would wait for the writer of a pipe.
  if (!stats.isDirectory() && !stats.isFile()) return fail('not a regular file');
  const loader = new Loader(engine, cancel);
  const loaded = await loader.load(form, path).catch((error: unknown) => errorMessage(error));
  if (typeof loaded === 'string') return fail(loaded);
  return accept(loaded);
}

/** Loads each form of image. Its methods throw an error whose message is the reason. */
class Loader {
  constructor(
    private readonly engine: Engine,
    private readonly cancel: AbortSignal,
  ) {}

  async load(form: FileSource['form'], path: string): Promise<LoadedImage> {
    const isPodman = this.engine.program === 'podman';
    switch (form) {
      case 'docker-archive':
        return isPodman ? this.#pull(`${form}:${path}`) : this.#loadArchive(path);
      case 'oci':
        return isPodman ? this.#pullLayout(path) : this.#loadLayout(path);
      case 'rootfs':
        // `:O` mounts an overlay: what the tasks write is discarded with the container.
        return isPodman ? { args: ['--rootfs', `${path}:O`], release: nothingToRelease } : this.#import(path);
    }
  }

  async #pull(source: string): Promise<LoadedImage> {
    return parseImage(await this.#call('pull', '--quiet', source), /^([0-9a-f]{64})$/gm);
  }

  /** podman names the image after the folder, and fails when that is not a valid image name, as for `Images`. */
  async #pullLayout(folder: string): Promise<LoadedImage> {
    const link = join(tmpdir(), `soil-image-${randomBytes(8).toString('hex')}`);
    await symlink(folder, link);
    try {
      const image = await this.#pull(`oci:${link}`);
      // Names would accumulate, one for each load.
      await callEngine(this.engine, ['untag', ...image.args, `localhost${link}:latest`]);
      return image;
    } finally {
      await rm(link);
    }
  }

  async #loadArchive(archive: string): Promise<LoadedImage> {
    const printed = await this.#call('load', '--quiet', '--input', archive);
    return parseImage(printed, /^Loaded image(?: ID)?: (\S+)$/gm);
  }

  /** docker loads a tar with its own `manifest.json`, which can refer to the blobs of an OCI layout. */
  async #loadLayout(folder: string): Promise<LoadedImage> {
    const manifest = await readOciManifest(folder);
    return this.#withTar(async (tar, temporary) => {
      await writeFile(join(temporary, 'manifest.json'), JSON.stringify([manifest]));
      await this.#tar(['-cf', tar, '-C', folder, 'blobs', '-C', temporary, 'manifest.json']);
      return this.#loadArchive(tar);
    });
  }

  /** docker has no `--rootfs`: the folder is imported as an image for this job only. */
  async #import(folder: string): Promise<LoadedImage> {
    return this.#withTar(async (tar) => {
      await this.#tar(['-cf', tar, '--numeric-owner', '-C', folder, '.']);
      const image = parseImage(await this.#call('import', tar), /^(sha256:[0-9a-f]{64})$/gm);
      const release = async (): Promise<void> => {
        await callEngine(this.engine, ['image', 'rm', '--force', image.ref ?? '']);
      };
      return { ...image, release };
    });
  }

  async #withTar(load: (tar: string, temporary: string) => Promise<LoadedImage>): Promise<LoadedImage> {
    const temporary = await mkdtemp(join(tmpdir(), 'soil-image-'));
    try {
      return await load(join(temporary, 'image.tar'), temporary);
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
  }

  async #call(...args: string[]): Promise<string> {
    return requireSuccess(
      await callEngine(this.engine, args, { timeoutSeconds: loadSeconds, cancel: this.cancel }),
    );
  }

  async #tar(args: readonly string[]): Promise<void> {
    const { environment } = this.engine;
    requireSuccess(
      await runProcess('tar', args, { environment, timeoutSeconds: loadSeconds, cancel: this.cancel }),
    );
  }
}

/** Returns the output of a command. Throws when it failed. */
function requireSuccess(result: CommandResult): string {
  if (result.status !== 0) throw new Error(failureReason(result));
  return result.stdout;
}

/** Finds the image in the output of the engine. Throws unless it is exactly one, since only one can run. */
function parseImage(printed: string, pattern: RegExp): LoadedImage & { readonly ref?: string } {
  const names = [...new Set([...printed.matchAll(pattern)].map(([, name = '']) => name))];
  const [ref] = names;
  if (ref === undefined || names.length > 1)
    throw new Error(`it contains ${names.length} images instead of one`);
  return { args: [ref], ref, release: nothingToRelease };
}
