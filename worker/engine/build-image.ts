/** A Containerfile of the repo -> an image of the engine, by its id; all that the build printed goes to a log. */
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
  readonly buildLog: string;
  readonly cancel: AbortSignal;
}

type BuildSource = Extract<ImageSource, { readonly kind: 'build' }>;

/** What an interrupted build has to end its own containers. */
const graceSeconds = 10;

/**
 * Builds with the engine's own cache of layers. The image is used by its id, so that another build at the same time
 * cannot take its place; its name keeps it, and so the cache, from `image prune`.
 */
export async function buildImage(
  engine: Engine,
  { file, context, timeoutSeconds, flags }: BuildSource,
  { repo, buildLog, cancel }: BuildOptions,
): Promise<Result<string>> {
  const because = (reason: string) => refuse(`cannot build image ${quote(file, 200)}: ${reason}`);
  const temporary = await mkdtemp(join(tmpdir(), 'soil-build-'));
  const log = await open(buildLog, 'w');
  try {
    const idFile = join(temporary, 'id');
    const args = [
      ...['build', '--file', join(repo, file), '--tag', imageTag(file), '--iidfile', idFile],
      // docker's old builder leaves the container of a step that failed.
      ...['--force-rm', ...flags],
      join(repo, context),
    ];
    const end = await runProcess(engine.program, args, {
      ...{ environment: engine.environment, timeoutSeconds, cancel, cwd: repo, log: log.fd, graceSeconds },
    });
    if (end.status !== 0 || end.failure !== undefined) {
      const reason = end.failure ?? lastLine(await readLogTail(buildLog));
      return because(reason ?? `exit status ${String(end.status)}`);
    }
    const id = (await readFile(idFile, 'utf8').catch(() => '')).trim();
    return /^sha256:[0-9a-f]{64}$/.test(id) ? accept(id) : because(`${engine.program} told no image id`);
  } finally {
    await log.close();
    await rm(temporary, { recursive: true, force: true });
  }
}

/**
 * Masks secrets in the log of a build while it grows: its flags can hand on what the worker's environment has. The
 * returned function ends that; a log that cannot be searched, or says nothing, is not kept.
 */
export async function redactBuildLog(buildLog: string, redactor: Redactor): Promise<() => Promise<void>> {
  await writeFile(buildLog, '');
  const end = new LogRedactor(redactor).follow(buildLog);
  return async () => {
    const isSearched = await end().then(
      () => true,
      () => false,
    );
    const { size } = await stat(buildLog);
    if (!isSearched || size === 0) await rm(buildLog, { force: true });
  };
}

/** `images/Dev.containerfile` -> `localhost/soil-build:images-dev.containerfile`, at most what a tag may hold. */
export const imageTag = (file: string): string =>
  `localhost/soil-build:${file
    .toLowerCase()
    .replace(/[^a-z0-9_.-]+/g, '-')
    .replace(/^[.-]+/, '')
    .slice(-120)
    .replace(/^[.-]+/, '')}`.replace(/:$/, ':image');
