/** Runs a job's tasks in order of their needs, as many in parallel as there are runners. */
import { foldTasks, isGreen } from '../../model/outcome.js';
import { quote } from '../../model/result.js';
import type { TaskName } from '../../model/name.js';
import type { TaskRow } from '../../model/row.js';
import type { TaskDeclaration } from '../../model/task.js';
import { cancelReason, type TryRunner, type JobAbort } from './try-runner.js';
import { taskLogPath } from '../state/job-folder.js';
import { prepareTask, runTask, skippedRow, type TaskRunOptions } from './run-task.js';

export interface ScheduleResult {
  /** one row per task, in the order of soil.yml */
  readonly rows: readonly TaskRow[];
  /** why a task was skipped, for each that another task prevented */
  readonly skips: ReadonlyMap<TaskName, string>;
  /** what the outcomes of tasks mean, if that is not obvious */
  readonly notes: ReadonlyMap<TaskName, string>;
  readonly abort?: JobAbort;
}

/** Runs each task on the first free runner. When the job is aborted, skips the remaining tasks. */
export async function runTasks(
  tasks: readonly TaskDeclaration[],
  runners: readonly TryRunner[],
  options: TaskRunOptions,
): Promise<ScheduleResult> {
  const rows = new Map<TaskName, TaskRow>();
  const skips = new Map<TaskName, string>();
  const notes = new Map<TaskName, string>();
  const idle = [...runners].reverse();
  const running = new Set<Promise<void>>();
  const prepared = new Map<number, Promise<unknown>>();
  let abort: JobAbort | undefined;
  let waiting = [...tasks.entries()];

  const prepare = (index: number): Promise<unknown> => {
    const files = prepared.get(index) ?? prepareTask(tasks[index], index + 1, options);
    prepared.set(index, files);
    return files;
  };
  const start = (index: number, task: TaskDeclaration, runner: TryRunner): void => {
    options.report({ kind: 'task-begin', task: task.name, index, of: tasks.length });
    const files = prepare(index);
    // Write the next task's files while this one runs.
    void prepare(index + 1);
    const finished = runTask(task, index + 1, runner, { ...options, prepared: files }).then((end) => {
      rows.set(task.name, end.row);
      if (end.note !== undefined) notes.set(task.name, end.note);
      abort ??= end.abort;
      prepared.delete(index);
      options.report({
        ...{ kind: 'task-done', row: end.row, logFile: taskLogPath(options.out, task.name) },
        ...(end.note === undefined ? {} : { note: end.note }),
      });
      idle.push(runner);
      running.delete(finished);
    });
    running.add(finished);
  };

  while (waiting.length > 0 || running.size > 0) {
    const blocked: typeof waiting = [];
    for (const [index, task] of waiting) {
      if (options.cancel.aborted) abort ??= { outcome: 'cancelled', reason: cancelReason(options.cancel) };
      const reason = abort === undefined ? findSkipReason(task, rows, options) : undefined;
      if (abort !== undefined) rows.set(task.name, skippedRow(task));
      else if (reason !== undefined) {
        rows.set(task.name, skippedRow(task));
        skips.set(task.name, reason);
        options.report({ kind: 'task-skipped', task: task.name, reason });
      } else if (idle.length > 0 && task.needs.every((name) => rows.has(name))) {
        const runner = idle.pop();
        if (runner !== undefined) start(index, task, runner);
      } else blocked.push([index, task]);
    }
    waiting = blocked;
    if (running.size > 0) await Promise.race(running);
  }
  return {
    rows: tasks.map((task) => rows.get(task.name) ?? skippedRow(task)),
    skips,
    notes,
    ...(abort === undefined ? {} : { abort }),
  };
}

/** Returns why a task must not run: a task that it needs did not pass, or the job stops on failure. */
function findSkipReason(
  task: TaskDeclaration,
  rows: ReadonlyMap<TaskName, TaskRow>,
  { job }: TaskRunOptions,
): string | undefined {
  for (const name of task.needs) {
    const row = rows.get(name);
    if (row === undefined || row.outcome === 'passed' || row.outcome === 'flaky') continue;
    const why = row.outcome === 'skipped' ? 'which was skipped' : `whose outcome is ${row.outcome}`;
    return `it needs ${quote(name)}, ${why}`;
  }
  if (!job.stopOnFailure) return undefined;
  const ended = [...rows.values()];
  const outcome = foldTasks(ended);
  if (outcome === 'empty' || isGreen(outcome)) return undefined;
  const first = ended.find((row) => foldTasks([row]) === outcome);
  return `the job stops at the first failure: ${quote(first?.task ?? '')}`;
}
