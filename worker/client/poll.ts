/** Looks for something again and again, more and more seldom, until it is there, is refused, or a limit is over. */
import { setTimeout as sleep } from 'node:timers/promises';

export type Look<T> =
  | { readonly kind: 'there'; readonly value: T }
  /** not now; `reason` is for the one who reads why nothing came */
  | { readonly kind: 'absent'; readonly reason: string }
  /** nor later: whoever should have made it has ended */
  | { readonly kind: 'impossible'; readonly reason: string }
  /** whoever has it does not give it */
  | { readonly kind: 'refused'; readonly reason: string };

export type Waited<T> =
  | { readonly kind: 'there'; readonly value: T }
  | { readonly kind: 'timeout' | 'impossible'; readonly reason: string }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'cancelled' };

export interface WaitOptions {
  /** 0: one look */
  readonly limitSeconds: number;
  readonly cancel: AbortSignal;
  /** 0 to 1: many that wait for the same thing must not ask in step */
  readonly random: () => number;
  /** hears why it is not there yet, whenever that changes */
  readonly notice: (text: string) => void;
  /** seconds, monotonic */
  readonly clock: () => number;
}

const firstPauseSeconds = 1;
const longestPauseSeconds = 15;

/** The last look is at the limit, not a pause before it. */
export async function waitFor<T>(look: () => Promise<Look<T>>, options: WaitOptions): Promise<Waited<T>> {
  const { limitSeconds, cancel, notice, clock } = options;
  const end = clock() + limitSeconds;
  let told: string | undefined;
  for (let looks = 1; ; looks++) {
    const isLast = clock() >= end;
    const seen = await look();
    if (cancel.aborted) return { kind: 'cancelled' };
    if (seen.kind !== 'absent') return seen;
    if (isLast) return { kind: 'timeout', reason: seen.reason };
    if (told !== seen.reason) notice(seen.reason);
    told = seen.reason;
    const pause = Math.min(planLookPause(looks, options.random), Math.max(0, end - clock()));
    try {
      await sleep(pause * 1000, undefined, { signal: cancel });
    } catch {
      return { kind: 'cancelled' };
    }
  }
}

/** Half as long again each time, up to 15 s, and spread by a half up or down. */
function planLookPause(looks: number, random: () => number): number {
  return Math.min(longestPauseSeconds, firstPauseSeconds * 1.5 ** (looks - 1)) * (0.5 + random());
}

/** What `--json` tells of a wait. */
export function outcomeOf<T extends object>(waited: Waited<T>): object {
  switch (waited.kind) {
    case 'there':
      return { outcome: 'there', ...waited.value, kind: undefined };
    case 'timeout':
      return { outcome: 'limit', reason: waited.reason };
    case 'impossible':
    case 'refused':
      return { outcome: waited.kind, reason: waited.reason };
    case 'cancelled':
      return { outcome: 'cancelled' };
  }
}
