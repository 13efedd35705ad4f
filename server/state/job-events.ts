/** Folds the events of one job. The order in which they are received does not matter. */
import type { JobEvent } from '../../model/event.js';
import type { CommitHash, TaskName } from '../../model/name.js';
import type { JobEvents } from './site-view.js';

/** Everything that the events of a job report. */
export interface EventFacts {
  readonly times: JobEvents;
  /** whether there was a `done` event */
  readonly isDone: boolean;
  readonly commit?: CommitHash;
  readonly branch?: string;
  /** tasks with a `task-done` event, so that a repeated event counts once */
  readonly tasks: Set<TaskName>;
}

/**
 * Returns the facts with one more event, which replace `before`: both share the set of tasks, since a copy for each event
 * took time that grew with the square of their number. `time`: when it was received, seconds since 1970, UTC.
 */
export function addEvent(before: EventFacts | undefined, event: JobEvent, time: number): EventFacts {
  const { times = { tasksDone: 0 } } = before ?? {};
  const tasks = before?.tasks ?? new Set<TaskName>();
  if (event.name === 'task-done' && event.task !== undefined) tasks.add(event.task);
  const commit = least(before?.commit, event.commit);
  const branch = least(before?.branch, event.branch);
  return {
    times: {
      ...times,
      ...(event.name === 'start' && { startTime: Math.min(times.startTime ?? time, time) }),
      ...(event.name === 'pull-begin' && { pullBeginTime: Math.min(times.pullBeginTime ?? time, time) }),
      ...(event.name === 'pull-done' && { pullDoneTime: Math.max(times.pullDoneTime ?? time, time) }),
      ...(event.isLive === false && { isLive: false }),
      lastTime: Math.max(times.lastTime ?? time, time),
      tasksDone: tasks.size,
    },
    isDone: (before?.isDone ?? false) || event.name === 'done',
    ...(commit !== undefined && { commit }),
    ...(branch !== undefined && { branch }),
    tasks,
  };
}

/** Returns the lesser of two values that should be equal, so that the order of events does not matter. */
function least<T extends string>(a: T | undefined, b: T | undefined): T | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a < b ? a : b;
}
