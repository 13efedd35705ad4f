/** podman and docker, as far as a job needs them: find one, have an image, describe it. */
import { setTimeout } from 'node:timers/promises';
import { planPause } from '../../model/backoff.js';
import type { ImageLayer, ImageRecord } from '../../model/record.js';
import { defined } from '../../model/record.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { failureReason, runProcess, type CommandResult } from '../system/run-process.js';
import type { PullRule } from '../config/job-declaration.js';

export interface Engine {
  readonly program: 'podman' | 'docker';
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Calls the engine with a limit, 60 s unless told otherwise. */
export function callEngine(
  engine: Engine,
  args: readonly string[],
  options: { readonly timeoutSeconds?: number; readonly cancel?: AbortSignal } = {},
): Promise<CommandResult> {
  return runProcess(engine.program, args, {
    environment: engine.environment,
    timeoutSeconds: options.timeoutSeconds ?? 60,
    ...(options.cancel === undefined ? {} : { cancel: options.cancel }),
  });
}

/** The engine that was asked for, or the first that answers: podman, then docker. */
export async function findEngine(
  environment: Engine['environment'],
  asked?: Engine['program'],
): Promise<Result<Engine>> {
  const reasons: string[] = [];
  for (const program of asked === undefined ? (['podman', 'docker'] as const) : [asked]) {
    const engine = { program, environment };
    const end = await callEngine(engine, ['version', '--format', '{{.Client.Version}}']);
    if (end.status === 0) return accept(engine);
    reasons.push(`${program}: ${failureReason(end)}`);
  }
  return refuse(`cannot find a container engine: ${reasons.join('; ')}`);
}

export async function hasImage(engine: Engine, image: string): Promise<boolean> {
  return (await callEngine(engine, ['image', 'inspect', '--format', 'x', image])).status === 0;
}

export interface PullOptions {
  readonly rule: PullRule;
  readonly cancel: AbortSignal;
  /** hears of a try that failed and is followed by another */
  readonly notice: (text: string) => void;
}

const defaultPullRetries = 2;
const defaultPullSeconds = 30 * 60;

const pullBackoff = { baseSeconds: 2, maxSeconds: 60 };

/** Pulls an image, with further tries where the registry is out of reach, all within one limit. */
export async function pullImage(
  engine: Engine,
  image: string,
  { rule, cancel, notice }: PullOptions,
): Promise<Result<undefined>> {
  const limit = rule.pullTimeoutSeconds ?? defaultPullSeconds;
  const tries = 1 + (rule.pullRetries ?? defaultPullRetries);
  const begin = performance.now();
  for (let attempt = 1; ; attempt++) {
    const left = limit - (performance.now() - begin) / 1000;
    const end = await callEngine(engine, ['pull', '--quiet', image], { timeoutSeconds: left, cancel });
    if (end.status === 0) return accept(undefined);
    const isLate = (performance.now() - begin) / 1000 >= limit;
    const reason = isLate ? `it took longer than ${limit} s` : failureReason(end);
    if (attempt === tries || isLate || cancel.aborted || !isTransient(end.stderr)) {
      const tried = attempt === 1 ? '' : ` ${attempt} times`;
      return refuse(`cannot pull image ${quote(image, 200)}${tried}: ${reason}`);
    }
    notice(`try ${attempt} of ${tries} to pull ${quote(image, 200)} failed: ${reason}`);
    const pause = Math.min(planPause(attempt, pullBackoff), Math.max(0, left));
    await setTimeout(1000 * pause, undefined, { signal: cancel }).catch(() => undefined);
  }
}

/** Errors of the way to the registry may pass; an image that does not exist, or a name that is none, will not. */
export function isTransient(stderr: string): boolean {
  const way =
    /time-?out|timed out|deadline exceeded|connection re(set|fused)|broken pipe|no route|unreachable|no such host|server misbehaving|temporar|handshake|EOF/i;
  const registry = /\b50[0-9]\b|too ?many ?requests/i;
  return way.test(stderr) || registry.test(stderr);
}

/** What the image is made of, as far as the engine tells; `name` is what its reader calls it. Never fails the job. */
export async function describeImage(engine: Engine, image: string, name = image): Promise<ImageRecord> {
  const [inspected, history] = await Promise.all([
    callEngine(engine, ['image', 'inspect', image]),
    callEngine(engine, ['history', '--no-trunc', '--human=false', '--format', '{{json .}}', image]),
  ]);
  const facts = parseInspection(inspected.stdout, image);
  return {
    name,
    engine: engine.program,
    ...defined(facts),
    layers: history.status === 0 ? parseHistory(history.stdout) : [],
  };
}

/**
 * `image inspect`: podman tells `Digest`, both tell `RepoDigests`, `Id` and `Size`. An image may have come under several
 * names, each with a digest of its own: that of the name in question counts.
 */
export function parseInspection(json: string, image = ''): { digest?: string; bytes?: number } {
  const [first] = parseJson(json) as [Record<string, unknown> | null | undefined];
  const { Digest, RepoDigests, Id, Size } = first ?? {};
  const names = (Array.isArray(RepoDigests) ? (RepoDigests as unknown[]) : []).map(String);
  const own = names.find((name) => name.startsWith(`${repositoryOf(image)}@`));
  const candidates = [own?.split('@')[1], Digest, names[0]?.split('@')[1], Id];
  const digest = candidates.find((d): d is string => typeof d === 'string' && d.startsWith('sha256:'));
  const plain = typeof Id === 'string' && /^[0-9a-f]{64}$/.test(Id) ? `sha256:${Id}` : undefined;
  return defined({ digest: digest ?? plain, bytes: typeof Size === 'number' ? Size : undefined });
}

/** `localhost:5000/a/b:1` -> `localhost:5000/a/b`. */
const repositoryOf = (image: string): string => image.replace(/@.*$/, '').replace(/:[^:/]*$/, '');

function parseJson(text: string): unknown[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}

/** `history`, newest first: docker prints one JSON object a line, podman a list; sizes are numbers or text. */
export function parseHistory(text: string): ImageLayer[] {
  const lines = text.split('\n').filter((line) => /^[[{]/.test(line));
  const newestFirst = lines.flatMap((line) => parseJson(line.startsWith('[') ? line : `[${line}]`));
  return newestFirst.reverse().map((item) => {
    const { size, Size, CreatedBy } = item as Record<string, unknown>;
    const command = typeof CreatedBy === 'string' ? CreatedBy.trim() : '';
    return { bytes: parseSize(size ?? Size), command: command === '' ? '-' : command };
  });
}

/** `74800000`, 74800000, and the `74.8MB` of a client that knows no `--human=false`. */
function parseSize(size: unknown): number {
  if (typeof size === 'number') return size;
  const text = typeof size === 'string' ? size : '';
  const [, number, unit = 'B'] = /^([\d.]+) ?([kKMGT]?)i?B?$/.exec(text.trim()) ?? [];
  const power = ['B', 'K', 'M', 'G', 'T'].indexOf(unit === '' ? 'B' : unit.toUpperCase());
  return number === undefined ? 0 : Math.round(Number(number) * 1000 ** Math.max(0, power));
}
