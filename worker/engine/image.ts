/** Pulls an image, and describes it for the record of a job. */
import { setTimeout } from 'node:timers/promises';
import { planPause } from '../../model/backoff.js';
import type { ImageLayer, ImageRecord } from '../../model/record.js';
import { withoutUndefined } from '../../model/record.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { failureReason } from '../system/run-process.js';
import type { PullRule } from '../config/job-declaration.js';
import { callEngine, type Engine } from './engine.js';
import type { LayerStore } from './layer-store.js';

/** Returns what the engine knows about an image that it has, as JSON; undefined if it does not have it or does not work. */
export async function inspectImage(engine: Engine, image: string): Promise<string | undefined> {
  const inspected = await callEngine(engine, ['image', 'inspect', image]);
  return inspected.status === 0 ? inspected.stdout : undefined;
}

export interface PullOptions {
  readonly rule: PullRule;
  readonly cancel: AbortSignal;
  /** called with a message before each retry */
  readonly notice: (text: string) => void;
}

const defaultPullRetries = 2;
const defaultPullSeconds = 30 * 60;

const pullBackoff = { baseSeconds: 2, maxSeconds: 60 };

/** Pulls an image. Retries when the registry is temporarily unreachable, within one time limit for all attempts. */
export async function pullImage(
  engine: Engine,
  image: string,
  { rule, cancel, notice }: PullOptions,
): Promise<Result<undefined>> {
  const limitSeconds = rule.pullTimeoutSeconds ?? defaultPullSeconds;
  const attempts = 1 + (rule.pullRetries ?? defaultPullRetries);
  const start = performance.now();
  for (let attempt = 1; ; attempt++) {
    const secondsLeft = limitSeconds - (performance.now() - start) / 1000;
    const end = await callEngine(engine, ['pull', '--quiet', image], { timeoutSeconds: secondsLeft, cancel });
    if (end.status === 0) return accept(undefined);
    const isTimeout = (performance.now() - start) / 1000 >= limitSeconds;
    const reason = isTimeout ? `timed out after ${limitSeconds} s` : failureReason(end);
    if (attempt === attempts || isTimeout || cancel.aborted || !isTransient(end.stderr)) {
      const count = attempt === 1 ? '' : ` in ${attempt} attempts`;
      return refuse(`cannot pull image ${quote(image, 200)}${count}: ${reason}`);
    }
    notice(`attempt ${attempt} of ${attempts} to pull ${quote(image, 200)} failed: ${reason}`);
    const pause = Math.min(planPause(attempt, pullBackoff), Math.max(0, secondsLeft));
    await setTimeout(1000 * pause, undefined, { signal: cancel }).catch(() => undefined);
  }
}

/** Reports whether a retry can help: after network and registry errors, but not for an image that does not exist. */
export function isTransient(stderr: string): boolean {
  const network =
    /time-?out|timed out|deadline exceeded|connection re(set|fused)|broken pipe|no route|unreachable|no such host|server misbehaving|temporar|handshake|EOF/i;
  const registry = /\b50[0-9]\b|too ?many ?requests/i;
  return network.test(stderr) || registry.test(stderr);
}

export interface DescribeOptions {
  /** the name in the record; default: `image` */
  readonly name?: string;
  /** what inspectImage() returned, if it was called already */
  readonly inspected?: string;
  readonly store: LayerStore;
}

/** Describes an image for the record. Omits what the engine does not report; never fails. */
export async function describeImage(
  engine: Engine,
  image: string,
  { name = image, inspected, store }: DescribeOptions,
): Promise<ImageRecord> {
  const json = inspected ?? (await inspectImage(engine, image)) ?? '';
  return {
    name,
    engine: engine.program,
    ...withoutUndefined(parseInspection(json, image)),
    layers: await listLayers(engine, image, { id: parseImageId(json), store }),
  };
}

async function listLayers(
  engine: Engine,
  image: string,
  { id, store }: { readonly id: string | undefined; readonly store: LayerStore },
): Promise<readonly ImageLayer[]> {
  const known = id === undefined ? undefined : await store.read(id);
  if (known !== undefined) return known;
  const args = ['history', '--no-trunc', '--human=false', '--format', '{{json .}}', id ?? image];
  const history = await callEngine(engine, args);
  if (history.status !== 0) return [];
  const layers = parseHistory(history.stdout);
  if (id !== undefined) await store.write(id, layers);
  return layers;
}

/** Returns the id in the output of `image inspect`, as in `sha256:...`. */
function parseImageId(json: string): string | undefined {
  const [first] = parseJson(json) as [Record<string, unknown> | null | undefined];
  const id = first?.Id;
  const digits = typeof id === 'string' ? /^(?:sha256:)?([0-9a-f]{64})$/.exec(id)?.[1] : undefined;
  return digits === undefined ? undefined : `sha256:${digits}`;
}

/**
 * Parses the output of `image inspect`. podman prints `Digest`; both engines print `RepoDigests`, `Id` and `Size`. An image
 * can have several names with different digests: the digest of the name `image` is preferred.
 */
export function parseInspection(json: string, image = ''): { digest?: string; bytes?: number } {
  const [first] = parseJson(json) as [Record<string, unknown> | null | undefined];
  const { Digest, RepoDigests, Id, Size } = first ?? {};
  const names = (Array.isArray(RepoDigests) ? (RepoDigests as unknown[]) : []).map(String);
  const own = names.find((name) => name.startsWith(`${repositoryOf(image)}@`));
  const candidates = [own?.split('@')[1], Digest, names[0]?.split('@')[1], Id];
  const digest = candidates.find((d): d is string => typeof d === 'string' && d.startsWith('sha256:'));
  const id = typeof Id === 'string' && /^[0-9a-f]{64}$/.test(Id) ? `sha256:${Id}` : undefined;
  return withoutUndefined({ digest: digest ?? id, bytes: typeof Size === 'number' ? Size : undefined });
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

/**
 * Parses the output of `history`, newest layer first. docker prints one JSON object per line, podman a list; sizes are
 * numbers or text. Returns the oldest layer first.
 */
export function parseHistory(text: string): ImageLayer[] {
  const lines = text.split('\n').filter((line) => /^[[{]/.test(line));
  const newestFirst = lines.flatMap((line) => parseJson(line.startsWith('[') ? line : `[${line}]`));
  return newestFirst.reverse().map((item) => {
    const { size, Size, CreatedBy } = item as Record<string, unknown>;
    const command = typeof CreatedBy === 'string' ? CreatedBy.trim() : '';
    return { bytes: parseSize(size ?? Size), command: command === '' ? '-' : command };
  });
}

/** Parses a size: `74800000`, 74800000, or `74.8MB` from a client that ignores `--human=false`. */
function parseSize(size: unknown): number {
  if (typeof size === 'number') return size;
  const text = typeof size === 'string' ? size : '';
  const [, number, unit = 'B'] = /^([\d.]+) ?([kKMGT]?)i?B?$/.exec(text.trim()) ?? [];
  const power = ['B', 'K', 'M', 'G', 'T'].indexOf(unit === '' ? 'B' : unit.toUpperCase());
  return number === undefined ? 0 : Math.round(Number(number) * 1000 ** Math.max(0, power));
}
