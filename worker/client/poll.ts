/** Polls with growing pauses until the value is found or refused, or the time limit expires. */
import { setTimeout as sleep } from 'node:timers/promises';
import { planPause } from '../../model/backoff.js';

/** The result of one try. */
export type PollResult<T> =
  | { readonly kind: 'found'; readonly value: T }
  /** not yet; `reason` says why */
  | { readonly kind: 'pending'; readonly reason: string }
  /** it will never be found: the job that should have produced it has ended */
  | { readonly kind: 'impossible'; readonly reason: string }
  /** the server denies access */
  | { readonly kind: 'refused'; readonly reason: string };

export type PollEnd<T> =
  | { readonly kind: 'found'; readonly value: T }
  | { readonly kind: 'timeout' | 'impossible' | 'refused'; readonly reason: string }
  | { readonly kind: 'cancelled' };

export interface PollOptions {
  /** 0 tries once */
  readonly limitSeconds: number;
  readonly cancel: AbortSignal;
  /** returns 0 to 1; spreads the pauses */
  readonly random: () => number;
  /** called with the reason for waiting, each time it changes */
  readonly notice: (text: string) => void;
  /** returns monotonic seconds */
  readonly clock: () => number;
}

const backoff = { baseSeconds: 1, factor: 1.5, maxSeconds: 15 };

/** Calls `tryOnce` until it returns something other than `pending`. The last try is at the time limit. */
export async function poll<T>(
  tryOnce: () => Promise<PollResult<T>>,
  { limitSeconds, cancel, random, notice, clock }: PollOptions,
): Promise<PollEnd<T>> {
  const end = clock() + limitSeconds;
  let reported: string | undefined;
  for (let tries = 1; ; tries++) {
    const isLast = clock() >= end;
    const result = await tryOnce();
    if (cancel.aborted) return { kind: 'cancelled' };
    if (result.kind !== 'pending') return result;
    if (isLast) return { kind: 'timeout', reason: result.reason };
    if (reported !== result.reason) notice(result.reason);
    reported = result.reason;
    const pause = Math.min(planPause(tries, { ...backoff, random }), Math.max(0, end - clock()));
    try {
      await sleep(pause * 1000, undefined, { signal: cancel });
    } catch {
      return { kind: 'cancelled' };
    }
  }
}

/** Returns what `--json` prints about the end of a wait. */
export function pollEndJson<T extends object>(end: PollEnd<T>): object {
  switch (end.kind) {
    case 'found':
      return { outcome: 'found', ...end.value, kind: undefined };
    case 'timeout':
      return { outcome: 'limit', reason: end.reason };
    case 'impossible':
    case 'refused':
      return { outcome: end.kind, reason: end.reason };
    case 'cancelled':
      return { outcome: 'cancelled' };
  }
}
