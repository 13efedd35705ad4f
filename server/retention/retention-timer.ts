/** Prunes a site that is being served, when it starts and from time to time, by its policy; one prune at a time. */
import { bytesText, countText } from '../../templates/wording.js';
import { pruneSite, type Pruned } from './prune.js';
import type { RetentionPolicy } from '../config/retention-policy.js';
import { SerialQueue } from '../disk/serial-queue.js';
import type { Site } from '../site/site.js';
import { errorMessage } from '../../model/error-message.js';

export interface RetentionTimer {
  readonly pruneNow: () => Promise<Pruned>;
  /** prunes now, and from now on */
  readonly start: () => void;
  /** prunes no more, and waits for the step that is under way */
  readonly stop: () => Promise<void>;
}

export interface RetentionTimerOptions {
  readonly site: Site;
  /** seconds since 1970, UTC */
  readonly now: () => number;
  /** prints a line for the operator */
  readonly report: (message: string) => void;
  /** something was removed */
  readonly afterPrune: (() => Promise<void>) | undefined;
}

/** setInterval() takes no more. */
const longestMilliseconds = 2 ** 31 - 1;

export function startRetentionTimer(
  { site, now, report, afterPrune }: RetentionTimerOptions,
  policy: RetentionPolicy,
): RetentionTimer {
  const end = new AbortController();
  const queue = new SerialQueue();
  const pruneNow = (): Promise<Pruned> =>
    queue.run(async () => {
      const pruned = await pruneSite(site, { policy, now, stop: end.signal });
      const { runs, wwz, bytes } = pruned;
      if (runs + wwz > 0) {
        report(`removed ${countText(runs, 'run')}, and the wwz files of ${wwz} more: ${bytesText(bytes)}`);
        await afterPrune?.();
      }
      return pruned;
    });
  const look = (): void => {
    pruneNow().catch((error: unknown) => {
      report(`cannot prune: ${errorMessage(error)}`);
    });
  };
  let timer: NodeJS.Timeout | undefined;
  return {
    pruneNow,
    start: () => {
      look();
      timer = setInterval(look, Math.min(policy.everySeconds * 1000, longestMilliseconds));
    },
    stop: () => {
      clearInterval(timer);
      end.abort();
      return queue.idle();
    },
  };
}
