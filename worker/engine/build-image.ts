/** Builds an image from a Containerfile of the repo; the output of the build goes to a log. */
import { mkdtemp, open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { runProcess } from '../system/run-process.js';
import type { Engine } from './engine.js';
import type { ImageSource } from '../config/job-declaration.js';
import { LogRedactor } from '../redact/log-redactor.js';
import { lastLine, readLogTail } from '../system/log-tail.js';
import type { Redactor } from '../redact/redactor.js';

export interface BuildOptions {
  readonly repo: string;
  /** receives the output of the build */
  readonly buildLog: string;
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
  { file, context, timeoutSeconds, flags }: BuildSource,
  { repo, buildLog, cancel }: BuildOptions,
): Promise<Result<string>> {
  const fail = (reason: string) => refuse(`cannot build image ${quote(file, 200)}: ${reason}`);
  const temporary = await mkdtemp(join(tmpdir(), 'soil-build-'));
  const log = await open(buildLog, 'w');
  try {
    const idFile = join(temporary, 'id');
    const args = [
      ...['build', '--file', join(repo, file), '--tag', imageTag(file), '--iidfile', idFile],
      // docker's legacy builder leaves the container of a failed step.
      ...['--force-rm', ...flags],
      join(repo, context),
    ];
    const end = await runProcess(engine.program, args, {
      ...{ environment: engine.environment, timeoutSeconds, cancel, cwd: repo, log: log.fd, graceSeconds },
    });
    if (end.status !== 0 || end.failure !== undefined) {
      const reason = end.failure ?? lastLine(await readLogTail(buildLog));
      return fail(reason ?? `exit status ${String(end.status)}`);
    }
    const id = (await readFile(idFile, 'utf8').catch(() => '')).trim();
    return /^sha256:[0-9a-f]{64}$/.test(id) ? accept(id) : fail(`${engine.program} printed no image id`);
  } finally {
    await log.close();
    await rm(temporary, { recursive: true, force: true });
  }
}

/**
 * Redacts secrets in the log of a build while it grows, since flags can pass the worker's environment to a build. The
 * returned function stops the redaction, and removes the log if it is empty or could not be searched.
 */
export async function redactBuildLog(buildLog: string, redactor: Redactor): Promise<() => Promise<void>> {
  await writeFile(buildLog, '');
  const stop = new LogRedactor(redactor).follow(buildLog);
  return async () => {
    const isRedacted = await stop().then(
      () => true,
      () => false,
    );
    const { size } = await stat(buildLog);
    if (!isRedacted || size === 0) await rm(buildLog, { force: true });
  };
}

/** `images/Dev.containerfile` -> `localhost/soil-build:images-dev.containerfile`. Truncated to the length limit of tags. */
const imageTag = (file: string): string =>
  `localhost/soil-build:${file
    .toLowerCase()
    .replace(/[^a-z0-9_.-]+/g, '-')
    .replace(/^[.-]+/, '')
    .slice(-120)
    .replace(/^[.-]+/, '')}`.replace(/:$/, ':image');
