/** Log entries for runs, wwz files and artifacts that retention removed. Pure. */
import { parseCommitHash, parseJobName, parseRunId, parseWorkerHost } from '../../model/name.js';
import type { CommitHash, JobName, RunId, WorkerHost } from '../../model/name.js';
import type { JobOutcome } from '../../model/outcome.js';
import { parsePublicPath } from '../../model/path.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import type { RunFolder } from '../../model/run.js';
import { tiers, type Tier } from '../config/retention-policy.js';

/** A removed job. Its SHA-256 digests identify the same files when they are uploaded again. */
export interface RemovedJob {
  readonly job: JobName;
  readonly outcome: JobOutcome;
  readonly json?: string;
  readonly tsv?: string;
  readonly wwzBytes?: number;
}

/** The facts about a removed run that the site still shows. */
export interface RemovedRun {
  readonly runId?: RunId;
  readonly commit?: CommitHash;
  readonly commitLine?: string;
  readonly branch?: string;
  readonly startTime?: number;
}

/** Retention removed the wwz files of a run's folder, or the whole run. `time`: seconds since 1970, UTC. */
export interface Removal {
  readonly kind: 'removed';
  readonly time: number;
  readonly folder: RunFolder;
  readonly tier: Tier;
  /** the limit that the run exceeded, as a phrase after "it was": `older than 90 days` */
  readonly rule: string;
  readonly run: RemovedRun;
  readonly jobs: readonly RemovedJob[];
}

/** Retention removed the artifacts of a commit with its last run. */
export interface ArtifactRemoval {
  readonly kind: 'removed-artifacts';
  readonly time: number;
  readonly host: WorkerHost;
  readonly commit: CommitHash;
  readonly rule: string;
  /** below the commit's artifacts */
  readonly paths: readonly string[];
}

export function removalBody(removal: Removal | ArtifactRemoval): object {
  if (removal.kind === 'removed-artifacts') {
    const { host, commit, rule, paths } = removal;
    return { removedArtifacts: `${host}/${commit}`, rule, paths };
  }
  const { folder, tier, rule, run, jobs } = removal;
  return { removed: `${folder.host}/${folder.name}`, tier, rule, run, jobs };
}

type Body = Readonly<Record<string, unknown>>;

/** Parses the fields of a removal. Returns undefined for any other entry. */
export function parseRemoval(body: Body, time: number): Result<Removal | ArtifactRemoval> | undefined {
  const { removed, removedArtifacts, rule, tier, run, jobs, paths } = body;
  const reason = typeof rule === 'string' ? rule : '';
  if (typeof removedArtifacts === 'string') {
    const [hostText = '', commitText = ''] = removedArtifacts.split('/');
    const host = parseWorkerHost(hostText, 'host');
    if (!host.ok) return host;
    const commit = parseCommitHash(commitText);
    if (!commit.ok) return commit;
    const good = listOf(paths).filter(
      (path): path is string => typeof path === 'string' && parsePublicPath(path).ok,
    );
    return accept({
      ...{ kind: 'removed-artifacts', time, host: host.value, commit: commit.value },
      ...{ rule: reason, paths: good },
    });
  }
  if (typeof removed !== 'string') return undefined;
  const known = tiers.find((t) => t === tier);
  if (known === undefined) return refuse(`cannot read the line: ${quote(String(tier))} is not a tier`);
  const [hostText = '', nameText = ''] = removed.split('/');
  const host = parseWorkerHost(hostText, 'host');
  if (!host.ok) return host;
  const name = parseRunId(nameText, 'run folder');
  if (!name.ok) return name;
  return accept({
    ...{ kind: 'removed', time, tier: known, rule: reason },
    folder: { host: host.value, name: name.value },
    run: parseRemovedRun(run),
    jobs: listOf(jobs).flatMap(parseRemovedJob),
  });
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const bodyOf = (value: unknown): Body => (typeof value === 'object' && value !== null ? (value as Body) : {});

function parseRemovedRun(value: unknown): RemovedRun {
  const { runId, commit, commitLine, branch, startTime } = bodyOf(value);
  const id = parseRunId(typeof runId === 'string' ? runId : '', 'run id');
  const hash = parseCommitHash(typeof commit === 'string' ? commit : '');
  return {
    ...(id.ok && { runId: id.value }),
    ...(hash.ok && { commit: hash.value }),
    ...(typeof commitLine === 'string' && { commitLine }),
    ...(typeof branch === 'string' && { branch }),
    ...(typeof startTime === 'number' && { startTime }),
  };
}

const outcomes: readonly JobOutcome[] = [
  ...['passed', 'flaky', 'failed', 'cancelled', 'error'].map((word) => word as JobOutcome),
  ...['empty', 'lost', 'running', 'expected'].map((word) => word as JobOutcome),
];

function parseRemovedJob(value: unknown): readonly RemovedJob[] {
  const { job, outcome, json, tsv, wwzBytes } = bodyOf(value);
  const name = parseJobName(typeof job === 'string' ? job : '');
  const known = outcomes.find((word) => word === outcome);
  if (!name.ok || known === undefined) return [];
  return [
    {
      ...{ job: name.value, outcome: known },
      ...(typeof json === 'string' && { json }),
      ...(typeof tsv === 'string' && { tsv }),
      ...(typeof wwzBytes === 'number' && { wwzBytes }),
    },
  ];
}
