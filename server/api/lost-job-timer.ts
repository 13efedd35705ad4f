/** Looks from time to time which jobs have fallen silent, and gives them up: a site, a limit -> jobs shown as lost. */
import { waitForPages, type RouteContext } from './route-context.js';
import { errorMessage } from '../../model/error-message.js';

const lookSeconds = 30;

export interface LostJobTimer {
  /** looks no more, and waits for the look that is under way */
  readonly stop: () => Promise<void>;
}

export function startLostJobTimer(context: RouteContext): LostJobTimer {
  const { site, limits, report } = context;
  let looking = Promise.resolve();
  const look = async (): Promise<void> => {
    try {
      const { count, shown } = await site.markLostJobs(limits.lostSeconds);
      if (count === 0) return;
      report(`gave up ${count} jobs: nothing was heard of them for ${limits.lostSeconds} s`);
      await waitForPages(shown, context);
    } catch (error) {
      report(`cannot give up silent jobs: ${errorMessage(error)}`);
    }
  };
  const timer = setInterval(
    () => {
      looking = looking.then(look);
    },
    Math.min(lookSeconds, limits.lostSeconds / 2) * 1000,
  );
  return {
    stop: () => {
      clearInterval(timer);
      return looking;
    },
  };
}
