/** A job's image source and an engine -> an image that a container can start from, or why there is none. */
import { resolve } from 'node:path';
import type { ImageRecord } from '../../model/record.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { describeImage, findEngine, hasImage, pullImage, type Engine } from './engine.js';
import { buildImage } from './build-image.js';
import { formatImage } from '../config/image-config.js';
import { loadImage } from './load-image.js';
import type { ImageSource } from '../config/job-declaration.js';
import type { ImageMethod, RunJobOptions } from '../record/progress.js';

/** What is known of the image once it is there. */
export interface PreparedImage {
  readonly engine: Engine;
  /** for people */
  readonly name: string;
  /** the words of `podman run` or `docker run` that name it */
  readonly args: readonly string[];
  readonly description: Promise<ImageRecord>;
  /** how it came here; absent where it was there already */
  readonly way?: ImageMethod;
  readonly pullSeconds?: number;
  /** removes what was made for this job alone */
  readonly release: () => Promise<void>;
}

/** What of a job's options its image and its environment need. */
export type HostOptions = Pick<
  RunJobOptions,
  'job' | 'engine' | 'environment' | 'hiddenVariables' | 'report' | 'cancel' | 'repo' | 'secrets'
>;

export interface ImageOptions extends Omit<HostOptions, 'job'> {
  /** gets what a build prints */
  readonly buildLog: string;
}

/** Waits for the image; undefined on the raw machine. The engine describes it while the tasks run. */
export async function prepareImage(
  image: ImageSource,
  options: ImageOptions,
): Promise<Result<PreparedImage | undefined>> {
  if (image.kind === 'none') return accept(undefined);
  const found = await findEngine(taskEnvironment(options), options.engine);
  if (!found.ok) return found;
  const engine = found.value;
  const name = formatImage(image);
  const timed = async <T>(way: ImageMethod, work: () => Promise<Result<T>>) => {
    options.report({ kind: 'pull-begin', image: name, way });
    const begin = performance.now();
    const done = await work();
    const seconds = (performance.now() - begin) / 1000;
    if (done.ok) options.report({ kind: 'pull-done', image: name, seconds, way });
    return done.ok ? accept({ value: done.value, seconds }) : done;
  };
  const ready = (ref: string, more: { way?: ImageMethod; pullSeconds?: number } = {}): PreparedImage => ({
    ...{ engine, name, args: [ref], description: describeImage(engine, ref, name), ...more },
    release: () => Promise.resolve(),
  });
  switch (image.kind) {
    case 'named': {
      if (image.pull !== 'always' && (await hasImage(engine, name))) return accept(ready(name));
      if (image.pull === 'never')
        return refuse(`cannot use image ${quote(name, 200)}: ${engine.program} does not have it`);
      const notice = (text: string): void => {
        options.report({ kind: 'notice', text });
      };
      const pulled = await timed('pull', () =>
        pullImage(engine, name, { rule: image, cancel: options.cancel, notice }),
      );
      return pulled.ok ? accept(ready(name, { way: 'pull', pullSeconds: pulled.value.seconds })) : pulled;
    }
    case 'build': {
      const built = await timed('build', () => buildImage(engine, image, options));
      if (!built.ok) return built;
      return accept(ready(built.value.value, { way: 'build', pullSeconds: built.value.seconds }));
    }
    case 'file': {
      const path = resolve(options.repo, image.path);
      const loaded = await timed('load', () => loadImage(engine, { ...image, path }, options.cancel));
      if (!loaded.ok) return loaded;
      const { args, ref, release } = loaded.value.value;
      const description =
        ref === undefined
          ? Promise.resolve({ name, engine: engine.program, layers: [] })
          : describeImage(engine, ref, name);
      const pullSeconds = loaded.value.seconds;
      return accept({ engine, name, args, description, way: 'load', pullSeconds, release });
    }
  }
}

/**
 * The environment without the tokens: that of raw tasks, and that of the engine's client too, since a flag such as
 * `--env SOIL_TOKEN` or `--env-host` would hand them on. A secret reaches the tasks of its job by their scripts.
 */
export function taskEnvironment({
  environment,
  hiddenVariables,
}: Pick<HostOptions, 'environment' | 'hiddenVariables'>): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !hiddenVariables.includes(name)));
}
