/** Prunes a site that is being served, when it starts and from time to time, by its policy; one prune at a time. */
import { bytesText, countText } from '../templates/wording.js';
import { pruneSite, type Pruned } from './prune.js';
import type { RetentionPolicy } from './retention-policy.js';
import { SerialQueue } from './serial-queue.js';
import type { ServerContext } from './server-context.js';

export interface RetentionWatch {
  readonly pruneNow: () => Promise<Pruned>;
  /** prunes now, and from now on */
  readonly start: () => void;
  /** prunes no more, and waits for the step that is under way */
  readonly stop: () => Promise<void>;
}

/** setInterval() takes no more. */
const longestMilliseconds = 2 ** 31 - 1;

export function watchRetention(
  { site, now, report }: Pick<ServerContext, 'site' | 'now' | 'report'>,
  policy: RetentionPolicy,
): RetentionWatch {
  const end = new AbortController();
  const queue = new SerialQueue();
  const pruneNow = (): Promise<Pruned> =>
    queue.run(async () => {
      const pruned = await pruneSite(site, { policy, now, stop: end.signal });
      const { runs, wwz, bytes } = pruned;
      if (runs + wwz > 0) {
        report(`removed ${countText(runs, 'run')}, and the wwz files of ${wwz} more: ${bytesText(bytes)}`);
      }
      return pruned;
    });
  const look = (): void => {
    pruneNow().catch((error: unknown) => {
      report(`cannot prune: ${error instanceof Error ? error.message : String(error)}`);
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
