/** The events of one job -> what they tell, whatever the order in which they came. Pure but for its own sums. */
import type { JobEvent } from '../../model/event.js';
import type { CommitHash, TaskName } from '../../model/name.js';
import type { JobEvents } from './site-view.js';

/** What is known of a job by its events alone. */
export interface EventFacts {
  readonly times: JobEvents;
  /** the job said that it was done */
  readonly isDone: boolean;
  readonly commit?: CommitHash;
  readonly branch?: string;
  /** tasks that were told done, so that a repeated event counts once */
  readonly tasks: ReadonlySet<TaskName>;
}

/** The facts with one event more; `time` in seconds since 1970, UTC. */
export function addEvent(before: EventFacts | undefined, event: JobEvent, time: number): EventFacts {
  const { times = { tasksDone: 0 } } = before ?? {};
  const tasks = new Set(before?.tasks);
  if (event.name === 'task-done' && event.task !== undefined) tasks.add(event.task);
  const commit = least(before?.commit, event.commit);
  const branch = least(before?.branch, event.branch);
  return {
    times: {
      ...times,
      ...(event.name === 'start' && { startTime: Math.min(times.startTime ?? time, time) }),
      ...(event.name === 'pull-begin' && { pullBeginTime: Math.min(times.pullBeginTime ?? time, time) }),
      ...(event.name === 'pull-done' && { pullDoneTime: Math.max(times.pullDoneTime ?? time, time) }),
      lastTime: Math.max(times.lastTime ?? time, time),
      tasksDone: tasks.size,
    },
    isDone: (before?.isDone ?? false) || event.name === 'done',
    ...(commit !== undefined && { commit }),
    ...(branch !== undefined && { branch }),
    tasks,
  };
}

/** Events of one job that disagree are somebody's mistake; which one counts must not hang on which came first. */
function least<T extends string>(a: T | undefined, b: T | undefined): T | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a < b ? a : b;
}
