/** Marks jobs without events as lost, at intervals. */
import { waitForPages, type RouteContext } from './route-context.js';
import { errorMessage } from '../../model/error-message.js';
import { countText } from '../../templates/wording.js';

const maxIntervalSeconds = 30;

export interface LostJobTimer {
  /** Stops the timer, and waits for the check in progress. */
  readonly stop: () => Promise<void>;
}

export function startLostJobTimer(context: RouteContext): LostJobTimer {
  const { site, limits, report } = context;
  let checking = Promise.resolve();
  const check = async (): Promise<void> => {
    try {
      const { count, pagesWritten } = await site.markLostJobs(limits.lostSeconds);
      if (count === 0) return;
      report(`marked ${countText(count, 'job')} as lost: no event for ${limits.lostSeconds} s`);
      await waitForPages(pagesWritten, context);
    } catch (error) {
      report(`cannot mark lost jobs: ${errorMessage(error)}`);
    }
  };
  const timer = setInterval(
    () => {
      checking = checking.then(check);
    },
    Math.min(maxIntervalSeconds, limits.lostSeconds / 2) * 1000,
  );
  return {
    stop: () => {
      clearInterval(timer);
      return checking;
    },
  };
}
