/** `soil-worker artifact put|get` and `wait artifact`: files by commit, from here to the server and back. */
import { access, stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import type { CommitHash, WorkerHost } from '../model/name.js';
import { accept, quote, refuse, type Result } from '../model/result.js';
import {
  artifactUrl,
  parseArtifactName,
  publishArtifact,
  type ArtifactAddress,
  type PublishedArtifact,
} from './artifact.js';
import { exit, type CommandContext } from './command-context.js';
import { findCommit } from './commit-choice.js';
import { download } from './download.js';
import { formatDuration, parseDuration } from './duration.js';
import { readGitFacts } from './git.js';
import { planRun } from './identity.js';
import { chooseRepo } from './job-choice.js';
import { planTarget } from './publish-target.js';
import type { SoilService } from './soil-service.js';
import { waitFor, type Look, type Waited } from './waiting.js';

export interface ArtifactOptions {
  readonly server?: string;
  readonly tokenFile?: string;
  readonly commit?: string;
  readonly host?: WorkerHost;
  readonly publishLimit?: string;
  readonly json?: boolean;
}

export interface PutOptions extends ArtifactOptions {
  readonly name?: string;
}

export interface GetOptions extends ArtifactOptions {
  readonly output?: string;
  readonly limit?: string;
}

/** 0: all are there. 1: the server could not be reached. 2: wrong use. 3: the server refused one. */
export async function putCommand(
  files: readonly string[],
  options: PutOptions,
  context: CommandContext,
): Promise<number> {
  const planned = await planPut(files, options, context);
  if (!planned.ok) return wrongUse(planned.error, context);
  const { service, host, commit, uploads } = planned.value;
  const published: PublishedArtifact[] = [];
  for (const { file, name } of uploads) {
    context.status(`sending ${name}`);
    const answer = await publishArtifact(service, { host, commit, name, file: resolve(context.cwd, file) });
    if (answer.kind !== 'published') {
      if (options.json === true) context.print(JSON.stringify({ published, error: answer.reason }));
      context.warn(answer.reason);
      return answer.kind === 'refused' ? exit.refused : exit.failed;
    }
    published.push(answer.artifact);
    if (options.json !== true) {
      context.print(answer.artifact.url);
      if (!answer.artifact.isNew) context.warn(`notice: ${name} was there already, with the same bytes`);
    }
  }
  if (options.json === true) context.print(JSON.stringify({ published }));
  return exit.fine;
}

interface PutPlan extends Place {
  readonly uploads: readonly { readonly file: string; readonly name: string }[];
}

async function planPut(
  files: readonly string[],
  options: PutOptions,
  context: CommandContext,
): Promise<Result<PutPlan>> {
  if (options.name !== undefined && files.length !== 1) {
    return refuse(`cannot accept --name ${quote(options.name)}: there are ${files.length} files`);
  }
  const uploads: PutPlan['uploads'][number][] = [];
  for (const file of files) {
    const name = parseArtifactName(options.name ?? basename(file));
    if (!name.ok) return name;
    const isFile = await stat(resolve(context.cwd, file)).then(
      (facts) => facts.isFile(),
      () => undefined,
    );
    if (isFile !== true) {
      return refuse(
        `cannot publish ${quote(file)}: ${isFile === false ? 'it is no file' : 'it is not there'}`,
      );
    }
    uploads.push({ file, name: name.value });
  }
  const place = await planPlace(options, context);
  return place.ok ? accept({ ...place.value, uploads }) : place;
}

/** 0: it is there, whole and checked. 1: not within the limit. 2: wrong use. 3: the server refused. 130: cancelled. */
export async function getCommand(
  nameText: string,
  options: GetOptions,
  context: CommandContext,
): Promise<number> {
  const planned = await planGet(nameText, options, context);
  if (!planned.ok) return wrongUse(planned.error, context);
  const { service, host, commit, name, target, limitSeconds } = planned.value;
  const address: ArtifactAddress = { host, commit, name };
  const url = artifactUrl(service.url, address);
  const waited = await waitFor(() => look(url, { service, target, context }), {
    ...{ limitSeconds, cancel: context.cancel, random: Math.random },
    clock: () => performance.now() / 1000,
    notice: (reason) => {
      context.warn(`waiting at most ${formatDuration(limitSeconds)} for ${url.href}: ${reason}`);
    },
  });
  if (options.json === true)
    context.print(JSON.stringify({ url: url.href, file: target, ...outcomeOf(waited) }));
  switch (waited.kind) {
    case 'there':
      if (options.json !== true)
        context.print(`${target}: ${waited.value.bytes} bytes, sha256 ${waited.value.sha256}`);
      if (!waited.value.isVerified)
        context.warn('notice: this server tells no SHA-256, so that only the length could be checked');
      return exit.fine;
    case 'over':
      context.warn(
        `cannot get ${quote(name)} of commit ${commit} within ${formatDuration(limitSeconds)}: ${waited.reason}`,
      );
      return exit.failed;
    case 'refused':
      context.warn(`cannot get ${quote(name)} of commit ${commit}: ${waited.reason}`);
      return exit.refused;
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

async function look(
  url: URL,
  {
    service,
    target,
    context,
  }: { readonly service: SoilService; readonly target: string; readonly context: CommandContext },
): Promise<Look<Verified>> {
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
      return { kind: 'absent', reason: 'it is not there (404)' };
    case 'trouble':
      return { kind: 'absent', reason: got.reason };
    case 'refused':
      return got;
  }
}

/** What `--json` tells of a wait. */
export function outcomeOf<T extends object>(waited: Waited<T>): object {
  switch (waited.kind) {
    case 'there':
      return { outcome: 'there', ...waited.value, kind: undefined };
    case 'over':
      return { outcome: 'limit', reason: waited.reason };
    case 'refused':
      return { outcome: 'refused', reason: waited.reason };
    case 'cancelled':
      return { outcome: 'cancelled' };
  }
}

interface GetPlan extends Place {
  readonly name: string;
  readonly target: string;
  readonly limitSeconds: number;
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
  return place.ok ? accept({ ...place.value, name: name.value, target, limitSeconds: limit.value }) : place;
}

interface Place {
  readonly service: SoilService;
  readonly host: WorkerHost;
  readonly commit: CommitHash;
}

/** The server, and the commit's folder there. */
async function planPlace(options: ArtifactOptions, context: CommandContext): Promise<Result<Place>> {
  const { environment } = context;
  const target = await planTarget(options, context);
  if (!target.ok) return target;
  if (target.value.kind !== 'server') return refuse('cannot use SSH for artifacts: name a --server');
  const repo = await chooseRepo(context);
  const git = await readGitFacts(repo, environment);
  const commit = await findCommit(options.commit, git, { repo, environment });
  if (!commit.ok) return commit;
  const run = options.host === undefined ? planRun({ environment, now: context.now() }) : undefined;
  if (run?.ok === false) return run;
  return accept({
    service: target.value.service,
    host: options.host ?? run?.value.host ?? 'local',
    commit: commit.value,
  });
}

function wrongUse(sentence: string, { warn }: CommandContext): number {
  warn(sentence);
  return exit.wrongUse;
}
