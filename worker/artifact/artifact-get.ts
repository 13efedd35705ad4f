/** `soil-worker artifact get` and `wait artifact`: download an artifact of a commit, trying once or until it exists. */
import { access, stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { artifactUrl, parseArtifactName, type ArtifactAddress } from '../publish/upload-artifact.js';
import { planArtifactFolder, type ArtifactOptions, type ArtifactFolder } from './artifact-address.js';
import { exitStatus } from '../../command/command-context.js';
import type { CommandContext } from '../system/command-context.js';
import { findTargetProblem } from '../system/named-file.js';
import { download } from '../client/download.js';
import { formatDuration, parseDuration } from '../../model/duration.js';
import { chooseRepo, warnOfUnknownJob } from '../config/load-job.js';
import {
  planProducerJob,
  readProducerEnd,
  type ProducerJob,
  type ProducerJobOptions,
} from './producer-job.js';
import { pollEndJson, poll, type PollResult } from '../client/poll.js';

export interface GetOptions extends ArtifactOptions, Pick<ProducerJobOptions, 'job' | 'runId' | 'attempt'> {
  readonly output?: string;
  readonly limit?: string;
}

/** 0: downloaded and verified. 1: not available within the limit, or never. 2: usage. 3: the server refused. 130: cancelled. */
export async function getCommand(
  nameText: string,
  options: GetOptions,
  context: CommandContext,
): Promise<number> {
  const planned = await planGet(nameText, options, context);
  if (!planned.ok) {
    context.warn(planned.error);
    return exitStatus.usage;
  }
  const { service, host, commit, name, target, limitSeconds, producer } = planned.value;
  const address: ArtifactAddress = { host, commit, name };
  const url = artifactUrl(service.url, address);
  const end = await poll(() => tryGet(url, { service, target, producer, context }), {
    ...{ limitSeconds, cancel: context.cancel, random: Math.random },
    clock: () => performance.now() / 1000,
    notice: (reason) => {
      context.warn(`waiting at most ${formatDuration(limitSeconds)} for ${url.href}: ${reason}`);
    },
  });
  if (options.json === true)
    context.print(JSON.stringify({ url: url.href, file: target, ...pollEndJson(end) }));
  // Without --limit there is one try, so no time has passed.
  const within = limitSeconds === 0 ? '' : ` within ${formatDuration(limitSeconds)}`;
  switch (end.kind) {
    case 'found':
      if (options.json !== true)
        context.print(`${target}: ${end.value.bytes} bytes, sha256 ${end.value.sha256}`);
      if (!end.value.isVerified)
        context.warn('notice: the server sent no SHA-256, so only the length was checked');
      return exitStatus.ok;
    case 'timeout':
      context.warn(`cannot get ${quote(name)} of commit ${commit}${within}: ${end.reason}`);
      return exitStatus.failed;
    case 'impossible':
      context.warn(`cannot get ${quote(name)} of commit ${commit}: ${end.reason}`);
      return exitStatus.failed;
    case 'refused':
      context.warn(`cannot get ${quote(name)} of commit ${commit}: ${end.reason}`);
      return exitStatus.refused;
    case 'cancelled':
      context.warn('cancelled');
      return 130;
  }
}

interface DownloadedFile {
  readonly bytes: number;
  readonly sha256: string;
  readonly isVerified: boolean;
}

interface TryOptions extends Pick<GetPlan, 'service' | 'target' | 'producer'> {
  readonly context: CommandContext;
}

/** A job publishes its artifacts before it reports its end, so one more try after the end is enough. */
async function tryGet(url: URL, options: TryOptions): Promise<PollResult<DownloadedFile>> {
  const first = await getOnce(url, options);
  if (first.kind !== 'pending' || options.producer === undefined) return first;
  const ended = await readProducerEnd(options.producer);
  if (ended === undefined) return first;
  const again = await getOnce(url, options);
  return again.kind === 'pending' && again.isMissing
    ? { kind: 'impossible', reason: `${again.reason}, and ${ended}` }
    : again;
}

async function getOnce(
  url: URL,
  { service, target, context }: TryOptions,
): Promise<PollResult<DownloadedFile> & { readonly isMissing?: boolean }> {
  const got = await download({
    ...{ url, target, idleSeconds: 60, cancel: context.cancel },
    ...(service.token !== undefined && { token: service.token }),
    progress: (bytes, of) => {
      context.status(`received ${bytes}${of === undefined ? '' : ` of ${of}`} bytes`);
    },
  });
  switch (got.kind) {
    case 'downloaded':
      return { kind: 'found', value: got };
    case 'missing':
      return { kind: 'pending', reason: 'no such file (404)', isMissing: true };
    case 'failure':
      return { kind: 'pending', reason: got.reason };
    case 'refused':
      return got;
  }
}

interface GetPlan extends ArtifactFolder {
  readonly name: string;
  readonly target: string;
  readonly limitSeconds: number;
  readonly producer: ProducerJob | undefined;
}

async function planGet(
  nameText: string,
  options: GetOptions,
  context: CommandContext,
): Promise<Result<GetPlan>> {
  const name = parseArtifactName(nameText);
  if (!name.ok) return name;
  const limit = options.limit === undefined ? accept(0) : parseDuration(options.limit, '--limit');
  if (!limit.ok) return limit;
  const shown = options.output ?? basename(name.value);
  const target = resolve(context.cwd, shown);
  const isFolder = await stat(target).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
  if (isFolder) return refuse(`cannot write ${quote(shown)}: is a directory; pass a file with --output`);
  const hasParent = await access(dirname(target)).then(
    () => true,
    () => false,
  );
  if (!hasParent) return refuse(`cannot write ${quote(shown)}: its folder does not exist`);
  const problem = await findTargetProblem({
    ...{ repo: await chooseRepo(context), cwd: context.cwd, file: shown },
  });
  if (problem !== undefined) return refuse(`cannot write ${quote(shown)}: ${problem}`);
  const folder = await planArtifactFolder(options, context);
  if (!folder.ok) return folder;
  const { commit, service } = folder.value;
  const producer = planProducerJob(options, { commit, server: service.url.href }, context);
  if (!producer.ok) return producer;
  if (producer.value !== undefined) await warnOfUnknownJob(producer.value.job, context);
  const plan = { name: name.value, target, limitSeconds: limit.value, producer: producer.value };
  return accept({ ...folder.value, ...plan });
}
