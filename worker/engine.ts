/** podman and docker, as far as a job needs them: find one, have an image, describe it. */
import { setTimeout } from 'node:timers/promises';
import type { ImageLayer, ImageRecord } from '../model/record.js';
import { defined } from '../model/record.js';
import { accept, quote, refuse, type Result } from '../model/result.js';
import { reasonOf, runCommand, type CommandEnd } from './command.js';

export interface Engine {
  readonly program: 'podman' | 'docker';
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Calls the engine with a limit, 60 s unless told otherwise. */
export function callEngine(
  engine: Engine,
  args: readonly string[],
  options: { readonly timeoutSeconds?: number; readonly cancel?: AbortSignal } = {},
): Promise<CommandEnd> {
  return runCommand(engine.program, args, {
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
    reasons.push(`${program}: ${reasonOf(end)}`);
  }
  return refuse(`cannot find a container engine: ${reasons.join('; ')}`);
}

export async function hasImage(engine: Engine, image: string): Promise<boolean> {
  return (await callEngine(engine, ['image', 'inspect', '--format', 'x', image])).status === 0;
}

const pullTries = 3;

/** Pulls an image, with two more tries where the registry is out of reach; at most 30 minutes each. */
export async function pullImage(
  engine: Engine,
  image: string,
  cancel: AbortSignal,
): Promise<Result<undefined>> {
  for (let attempt = 1; ; attempt++) {
    const end = await callEngine(engine, ['pull', '--quiet', image], { timeoutSeconds: 1800, cancel });
    if (end.status === 0) return accept(undefined);
    const reason = reasonOf(end);
    if (attempt === pullTries || cancel.aborted || !mayPass(end.stderr)) {
      return refuse(`cannot pull image ${quote(image, 200)}: ${reason}`);
    }
    await setTimeout(1000 * 2 ** attempt);
  }
}

/** Errors of the way to the registry may pass; an image that does not exist, or a name that is none, will not. */
function mayPass(stderr: string): boolean {
  return /timeout|timed out|connection re(set|fused)|EOF|50[0-9]|too many requests|temporar/i.test(stderr);
}

/** What the image is made of, as far as the engine tells; never fails the job. */
export async function describeImage(engine: Engine, image: string): Promise<ImageRecord> {
  const [inspected, history] = await Promise.all([
    callEngine(engine, ['image', 'inspect', image]),
    callEngine(engine, ['history', '--no-trunc', '--human=false', '--format', '{{json .}}', image]),
  ]);
  const facts = parseInspection(inspected.stdout);
  return {
    name: image,
    engine: engine.program,
    ...defined(facts),
    layers: history.status === 0 ? parseHistory(history.stdout) : [],
  };
}

/** `image inspect`: podman tells `Digest`, docker `RepoDigests`, both `Id` and `Size`. */
export function parseInspection(json: string): { digest?: string; bytes?: number } {
  const [first] = parseJson(json) as [Record<string, unknown> | null | undefined];
  const { Digest, RepoDigests, Id, Size } = first ?? {};
  const [named] = Array.isArray(RepoDigests) ? (RepoDigests as unknown[]) : [];
  const candidates = [Digest, typeof named === 'string' ? named.split('@')[1] : undefined, Id];
  const digest = candidates.find((d): d is string => typeof d === 'string' && d.startsWith('sha256:'));
  const plain = typeof Id === 'string' && /^[0-9a-f]{64}$/.test(Id) ? `sha256:${Id}` : undefined;
  return defined({ digest: digest ?? plain, bytes: typeof Size === 'number' ? Size : undefined });
}

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
