/** Makes the image of a job available to the engine: pulls, loads or builds it. */
import { resolve } from 'node:path';
import type { ImageRecord } from '../../model/record.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { findEngine, type Engine } from './engine.js';
import { buildImage } from './build-image.js';
import { describeImage, pullImage } from './image.js';
import { probeImage, type ImageProbe } from './probe-image.js';
import { openLayerStore } from './layer-store.js';
import { formatImage } from '../config/image-config.js';
import { loadImage } from './load-image.js';
import type { ImageSource } from '../config/job-declaration.js';
import { withoutHidden } from '../system/hidden-variables.js';
import type { ImageMethod, RunJobOptions } from '../record/progress.js';
import type { Redactor } from '../redact/redactor.js';

/** An image that a container can be started from. */
export interface PreparedImage {
  readonly engine: Engine;
  /** the name in messages and the record */
  readonly name: string;
  /** the arguments of `podman run` or `docker run` that name the image */
  readonly args: readonly string[];
  readonly description: Promise<ImageRecord>;
  /** absent when the engine already had the image */
  readonly method?: ImageMethod;
  readonly pullSeconds?: number;
  /** removes what was created only for this job */
  readonly release: () => Promise<void>;
}

/** The options of a job that its image and its task host need. */
export type HostOptions = Pick<
  RunJobOptions,
  'job' | 'engine' | 'environment' | 'userPath' | 'report' | 'cancel' | 'repo' | 'secrets'
>;

export interface ImageOptions extends Omit<HostOptions, 'job'> {
  /** receives the output of a build */
  readonly buildLog: string;
  /** present if the job has secrets */
  readonly redactor?: Redactor | undefined;
  /** the result of probeImage(), if it was called early */
  readonly probe?: Promise<ImageProbe | undefined>;
}

/**
 * Prepares the image; returns undefined for a job without a container. `description` resolves later, so that the tasks do
 * not wait for it.
 */
export async function prepareImage(
  image: ImageSource,
  options: ImageOptions,
): Promise<Result<PreparedImage | undefined>> {
  if (image.kind === 'none' || image.kind === 'ssh') return accept(undefined);
  const name = formatImage(image);
  const present = await (options.probe ?? probeImage(image, options.environment, options.engine));
  const found = present?.engine ?? (await findEngine(withoutHidden(options.environment), options.engine));
  if (!found.ok) return found;
  const engine = found.value;
  const store = openLayerStore(engine, options.repo);
  const timed = async <T>(method: ImageMethod, work: () => Promise<Result<T>>) => {
    options.report({ kind: 'pull-begin', image: name, method });
    const start = performance.now();
    const done = await work();
    const seconds = (performance.now() - start) / 1000;
    if (done.ok) options.report({ kind: 'pull-done', image: name, seconds, method });
    return done.ok ? accept({ value: done.value, seconds }) : done;
  };
  const ready = (ref: string, more: { method?: ImageMethod; pullSeconds?: number } = {}): PreparedImage => ({
    ...{ engine, name, args: [ref], description: describeImage(engine, ref, { name, store }), ...more },
    release: () => Promise.resolve(),
  });
  switch (image.kind) {
    case 'named': {
      if (present?.inspected !== undefined) {
        const description = describeImage(engine, name, { inspected: present.inspected, store });
        return accept({ engine, name, args: [name], description, release: () => Promise.resolve() });
      }
      if (image.pull === 'never')
        return refuse(`cannot use image ${quote(name, 200)}: ${engine.program} does not have it`);
      const notice = (text: string): void => {
        options.report({ kind: 'notice', text });
      };
      const pulled = await timed('pull', () =>
        pullImage(engine, name, { rule: image, cancel: options.cancel, notice }),
      );
      return pulled.ok ? accept(ready(name, { method: 'pull', pullSeconds: pulled.value.seconds })) : pulled;
    }
    case 'build': {
      const built = await timed('build', () => buildImage(engine, image, options));
      if (!built.ok) return built;
      return accept(ready(built.value.value, { method: 'build', pullSeconds: built.value.seconds }));
    }
    case 'file': {
      const path = resolve(options.repo, image.path);
      const loaded = await timed('load', () => loadImage(engine, { ...image, path }, options.cancel));
      if (!loaded.ok) return loaded;
      const { args, ref, release } = loaded.value.value;
      const description =
        ref === undefined
          ? Promise.resolve({ name, engine: engine.program, layers: [] })
          : describeImage(engine, ref, { name, store });
      const pullSeconds = loaded.value.seconds;
      return accept({ engine, name, args, description, method: 'load', pullSeconds, release });
    }
  }
}
