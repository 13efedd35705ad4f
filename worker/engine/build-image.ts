/** Builds an image from a Containerfile of the repo; the output of the build goes to a log. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { errorMessage } from '../../model/error-message.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { runLoggedProcess } from '../output/logged-process.js';
import { resolveBuild } from './build-context.js';
import type { Engine } from './engine.js';
import type { ImageSource } from '../config/job-declaration.js';
import { readLogTail } from '../output/log-tail.js';
import { lastLine } from '../system/log-tail.js';
import type { Redactor } from '../redact/redactor.js';

export interface BuildOptions {
  readonly repo: string;
  /** receives the output of the build */
  readonly buildLog: string;
  /** present if the job has secrets */
  readonly redactor?: Redactor | undefined;
  readonly cancel: AbortSignal;
}

type BuildSource = Extract<ImageSource, { readonly kind: 'build' }>;

/** The time for a cancelled build to remove its own containers. */
const graceSeconds = 10;

/**
 * Builds an image with the engine's layer cache and returns its id. The image is used by id, since a concurrent build can
 * move the tag. The tag protects the image, and with it the cache, from `image prune`.
 */
export async function buildImage(
  engine: Engine,
  source: BuildSource,
  { repo, buildLog, redactor, cancel }: BuildOptions,
): Promise<Result<string>> {
  const { file, timeoutSeconds, flags } = source;
  const fail = (reason: string) => refuse(`cannot build image ${quote(file, 200)}: ${reason}`);
  const paths = resolveBuild(repo, source);
  if (!paths.ok) return fail(paths.error);
  const temporary = await mkdtemp(join(tmpdir(), 'soil-build-'));
  try {
    const idFile = join(temporary, 'id');
    const args = [
      ...['build', '--file', paths.value.file, '--tag', imageTag(file), '--iidfile', idFile],
      // docker's legacy builder leaves the container of a failed step.
      ...['--force-rm', ...flags],
      paths.value.context,
    ];
    const end = await runLoggedProcess(engine.program, args, {
      ...{ environment: engine.environment, timeoutSeconds, cancel, cwd: repo, graceSeconds },
      // Flags can pass the worker's environment to a build.
      ...{ log: buildLog, redactor },
    });
    if (end.status !== 0 || end.failure !== undefined) {
      const reason = end.failure ?? lastLine(await readLogTail(buildLog));
      return fail(reason ?? `exit status ${String(end.status)}`);
    }
    const id = (await readFile(idFile, 'utf8').catch(() => '')).trim();
    return /^sha256:[0-9a-f]{64}$/.test(id) ? accept(id) : fail(`${engine.program} printed no image id`);
  } catch (error) {
    return fail(errorMessage(error)); // such as a full disk under the log
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** `images/Dev.containerfile` -> `localhost/soil-build:images-dev.containerfile`. Truncated to the length limit of tags. */
const imageTag = (file: string): string =>
  `localhost/soil-build:${file
    .toLowerCase()
    .replace(/[^a-z0-9_.-]+/g, '-')
    .replace(/^[.-]+/, '')
    .slice(-120)
    .replace(/^[.-]+/, '')}`.replace(/:$/, ':image');
