/** `soil-worker artifact get` and `wait artifact`: a file of a commit, once or until it is there, to a file here. */
import { access, stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { artifactUrl, parseArtifactName, type ArtifactAddress } from '../publish/upload-artifact.js';
import { planPlace, type ArtifactOptions, type Place } from './artifact-address.js';
import { exitStatus } from '../../command/command-context.js';
import type { CommandContext } from '../system/command-context.js';
import { download } from '../client/download.js';
import { formatDuration, parseDuration } from '../../model/duration.js';
import { warnOfUnknownJob } from '../config/load-job.js';
import {
  planProducerJob,
  readProducerEnd,
  type ProducerJob,
  type ProducerJobOptions,
} from './producer-job.js';
import { outcomeOf, waitFor, type Look } from '../client/poll.js';

export interface GetOptions extends ArtifactOptions, Pick<ProducerJobOptions, 'job' | 'runId' | 'attempt'> {
  readonly output?: string;
  readonly limit?: string;
}

/** 0: it is there, whole and checked. 1: not within the limit, or never. 2: wrong use. 3: the server refused. 130: cancelled. */
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
  const { service, host, commit, name, target, limitSeconds, maker } = planned.value;
  const address: ArtifactAddress = { host, commit, name };
  const url = artifactUrl(service.url, address);
  const waited = await waitFor(() => lookFor(url, { service, target, maker, context }), {
    ...{ limitSeconds, cancel: context.cancel, random: Math.random },
    clock: () => performance.now() / 1000,
    notice: (reason) => {
      context.warn(`waiting at most ${formatDuration(limitSeconds)} for ${url.href}: ${reason}`);
    },
  });
  if (options.json === true)
    context.print(JSON.stringify({ url: url.href, file: target, ...outcomeOf(waited) }));
  // `get` tries once unless told otherwise: there was no time that is over.
  const within = limitSeconds === 0 ? '' : ` within ${formatDuration(limitSeconds)}`;
  switch (waited.kind) {
    case 'there':
      if (options.json !== true)
        context.print(`${target}: ${waited.value.bytes} bytes, sha256 ${waited.value.sha256}`);
      if (!waited.value.isVerified)
        context.warn('notice: this server tells no SHA-256, so that only the length could be checked');
      return exitStatus.ok;
    case 'timeout':
      context.warn(`cannot get ${quote(name)} of commit ${commit}${within}: ${waited.reason}`);
      return exitStatus.failed;
    case 'impossible':
      context.warn(`cannot get ${quote(name)} of commit ${commit}: ${waited.reason}`);
      return exitStatus.failed;
    case 'refused':
      context.warn(`cannot get ${quote(name)} of commit ${commit}: ${waited.reason}`);
      return exitStatus.refused;
    case 'cancelled':
      context.warn('cancelled');
      return 130;
  }
}

interface Verified {
  readonly bytes: number;
  readonly sha256: string;
  readonly isVerified: boolean;
}

interface LookOptions extends Pick<GetPlan, 'service' | 'target' | 'maker'> {
  readonly context: CommandContext;
}

/** A job publishes what it made before its end is told: once it has ended, one look more is the last one. */
async function lookFor(url: URL, options: LookOptions): Promise<Look<Verified>> {
  const seen = await look(url, options);
  if (seen.kind !== 'absent' || options.maker === undefined) return seen;
  const ended = await readProducerEnd(options.maker);
  if (ended === undefined) return seen;
  const again = await look(url, options);
  return again.kind === 'absent' && again.isMissing
    ? { kind: 'impossible', reason: `${again.reason}, and ${ended}` }
    : again;
}

async function look(
  url: URL,
  { service, target, context }: LookOptions,
): Promise<Look<Verified> & { readonly isMissing?: boolean }> {
  const got = await download({
    ...{ url, target, idleSeconds: 60, cancel: context.cancel },
    ...(service.token !== undefined && { token: service.token }),
    progress: (bytes, of) => {
      context.status(`got ${bytes}${of === undefined ? '' : ` of ${of}`} bytes`);
    },
  });
  switch (got.kind) {
    case 'there':
      return { kind: 'there', value: got };
    case 'missing':
      return { kind: 'absent', reason: 'it is not there (404)', isMissing: true };
    case 'trouble':
      return { kind: 'absent', reason: got.reason };
    case 'refused':
      return got;
  }
}

interface GetPlan extends Place {
  readonly name: string;
  readonly target: string;
  readonly limitSeconds: number;
  readonly maker: ProducerJob | undefined;
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
    (facts) => facts.isDirectory(),
    () => false,
  );
  if (isFolder) return refuse(`cannot write ${quote(shown)}: it is a folder; name a file with --output`);
  const hasParent = await access(dirname(target)).then(
    () => true,
    () => false,
  );
  if (!hasParent) return refuse(`cannot write ${quote(shown)}: its folder is not there`);
  const place = await planPlace(options, context);
  if (!place.ok) return place;
  const { commit, service } = place.value;
  const maker = planProducerJob(options, { commit, server: service.url.href }, context);
  if (!maker.ok) return maker;
  if (maker.value !== undefined) await warnOfUnknownJob(maker.value.job, context);
  const plan = { name: name.value, target, limitSeconds: limit.value, maker: maker.value };
  return accept({ ...place.value, ...plan });
}
