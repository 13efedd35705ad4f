/** Makes an ImageSource of the keys `image`, `build` and `pull` of a job, and formats it for messages. */
import { defaultValue, type TableValues } from '../../model/key-table.js';
import { plainValues } from '../../model/value-list.js';
import type { ImageSource, PullRule } from './job-declaration.js';
import { buildKeys, pullKeys, type jobKeys } from './soil-yml-keys.js';

/** Returns the image of a job, or undefined if it is missing or invalid. */
export function imageOf({ values }: TableValues<typeof jobKeys.keys>): ImageSource | undefined {
  const { image, build, pull } = values;
  if (build !== undefined) return buildOf(build);
  return image?.kind === 'named' ? { ...image, ...(pull !== undefined && pullOf(pull)) } : image;
}

type JobValues = TableValues<typeof jobKeys.keys>['values'];

function pullOf(pull: NonNullable<JobValues['pull']>): PullRule {
  if (typeof pull === 'string') return { pull };
  const { when, retries, timeout } = pull.values;
  return {
    pull: when ?? defaultValue(pullKeys.keys.when),
    ...(retries !== undefined && { pullRetries: retries }),
    ...(timeout !== undefined && { pullTimeoutSeconds: timeout }),
  };
}

function buildOf(build: NonNullable<JobValues['build']>): ImageSource | undefined {
  const { file, context, timeout, flags } = typeof build === 'string' ? { file: build } : build.values;
  if (file === undefined) return undefined;
  return {
    ...{ kind: 'build', file, flags: plainValues(flags) },
    context: context ?? defaultValue(buildKeys.keys.context),
    timeoutSeconds: timeout ?? defaultValue(buildKeys.keys.timeout),
  };
}

/** Returns an image as one word, the way soil.yml names it; a built one as `build:FILE`. */
export function formatImage(image: ImageSource): string {
  switch (image.kind) {
    case 'none':
      return 'none';
    case 'ssh':
      return `ssh:${image.destination}`;
    case 'named':
      return image.name;
    case 'file':
      return `${image.form}:${image.path}`;
    case 'build':
      return `build:${image.file}`;
  }
}
