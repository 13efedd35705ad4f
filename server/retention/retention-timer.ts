/** Prunes a site that is being served: at the start, at intervals, and on request. One prune runs at a time. */
import { bytesText, countText } from '../../templates/wording.js';
import { pruneSite, type Pruned } from './prune.js';
import type { RetentionPolicy } from '../config/retention-policy.js';
import { SerialQueue } from '../disk/serial-queue.js';
import type { Site } from '../site/site.js';
import { errorMessage } from '../../model/error-message.js';

export interface RetentionTimer {
  readonly pruneNow: () => Promise<Pruned>;
  /** prunes now, and then at the interval of the policy */
  readonly start: () => void;
  /** stops pruning; resolves after the current step */
  readonly stop: () => Promise<void>;
}

export interface RetentionTimerOptions {
  readonly site: Site;
  /** seconds since 1970, UTC */
  readonly now: () => number;
  /** logs a line for the operator */
  readonly report: (message: string) => void;
  /** called after something was removed */
  readonly afterPrune: (() => Promise<void>) | undefined;
}

/** The longest delay of setInterval(). */
const maxIntervalMilliseconds = 2 ** 31 - 1;

export function startRetentionTimer(
  { site, now, report, afterPrune }: RetentionTimerOptions,
  policy: RetentionPolicy,
): RetentionTimer {
  const abort = new AbortController();
  const queue = new SerialQueue();
  const pruneNow = (): Promise<Pruned> =>
    queue.run(async () => {
      const pruned = await pruneSite(site, { policy, now, stop: abort.signal });
      const { runs, wwz, bytes } = pruned;
      if (runs + wwz > 0) {
        report(`removed ${countText(runs, 'run')}, and the wwz files of ${wwz} more: ${bytesText(bytes)}`);
        await afterPrune?.();
      }
      return pruned;
    });
  const prune = (): void => {
    pruneNow().catch((error: unknown) => {
      report(`cannot prune: ${errorMessage(error)}`);
    });
  };
  let timer: NodeJS.Timeout | undefined;
  return {
    pruneNow,
    start: () => {
      prune();
      timer = setInterval(prune, Math.min(policy.everySeconds * 1000, maxIntervalMilliseconds));
    },
    stop: () => {
      clearInterval(timer);
      abort.abort();
      return queue.idle();
    },
  };
}
