/** Asks an engine for a named image, so that a job whose image is there needs one call before its container starts. */
import { accept, type Result } from '../../model/result.js';
import { formatImage } from '../config/image-config.js';
import type { ImageSource } from '../config/job-declaration.js';
import { withoutHidden } from '../system/hidden-variables.js';
import { enginePrograms, findEngine, type Engine } from './engine.js';
import { inspectImage } from './image.js';

export interface ImageProbe {
  /** the first engine that works */
  readonly engine: Result<Engine>;
  /** what it knows about the image, as JSON; absent if it does not have it */
  readonly inspected?: string;
}

/**
 * Asks the first engine that works for the image. An engine that has the image works, so it is not asked for its version.
 * Returns undefined if no engine works, or if the image must be fetched or made in any case.
 */
export async function probeImage(
  image: ImageSource,
  environment: Engine['environment'],
  requested: Engine['program'] | undefined,
): Promise<ImageProbe | undefined> {
  if (image.kind !== 'named' || image.pull === 'always') return undefined;
  for (const program of enginePrograms(requested)) {
    const engine = { program, environment: withoutHidden(environment) };
    const inspected = await inspectImage(engine, formatImage(image));
    if (inspected !== undefined) return { engine: accept(engine), inspected };
    const found = await findEngine(engine.environment, program);
    if (found.ok) return { engine: found };
  }
  return undefined;
}
