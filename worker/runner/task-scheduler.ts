/** A job's tasks on its hosts: declarations in, a row for each out, whatever happens; as many at once as there are hosts. */
import { foldTasks, isGreen } from '../../model/outcome.js';
import { quote } from '../../model/result.js';
import type { TaskName } from '../../model/name.js';
import type { TaskRow } from '../../model/row.js';
import type { TaskDeclaration } from '../../model/task.js';
import { reasonOfAbort, type AttemptRunner, type JobAbort } from './attempt-runner.js';
import { taskLogPath } from '../record/job-folder.js';
import { prepareTask, runTask, skippedRow, type LoopOptions } from './run-task.js';

export interface LoopEnd {
  /** in the order of declaration */
  readonly rows: readonly TaskRow[];
  /** why tasks were skipped that other tasks kept from running */
  readonly skips: ReadonlyMap<TaskName, string>;
  readonly trouble?: JobAbort;
}

/** Runs every task on the first keeper that is free; after trouble the rest is skipped. */
export async function runTasks(
  tasks: readonly TaskDeclaration[],
  keepers: readonly AttemptRunner[],
  options: LoopOptions,
): Promise<LoopEnd> {
  const rows = new Map<TaskName, TaskRow>();
  const skips = new Map<TaskName, string>();
  const idle = [...keepers].reverse();
  const running = new Set<Promise<void>>();
  const prepared = new Map<number, Promise<unknown>>();
  let trouble: JobAbort | undefined;
  let waiting = [...tasks.entries()];

  const prepare = (index: number): Promise<unknown> => {
    const begun = prepared.get(index) ?? prepareTask(tasks[index], index + 1, options);
    prepared.set(index, begun);
    return begun;
  };
  const begin = (index: number, task: TaskDeclaration, keeper: AttemptRunner): void => {
    options.report({ kind: 'task-begin', task: task.name, index, of: tasks.length });
    const ready = prepare(index);
    // The next task's files are made while this one runs.
    void prepare(index + 1);
    const ran = runTask(task, index + 1, keeper, { ...options, prepared: ready }).then((end) => {
      rows.set(task.name, end.row);
      trouble ??= end.trouble;
      prepared.delete(index);
      options.report({ kind: 'task-done', row: end.row, logFile: taskLogPath(options.out, task.name) });
      idle.push(keeper);
      running.delete(ran);
    });
    running.add(ran);
  };

  while (waiting.length > 0 || running.size > 0) {
    const later: typeof waiting = [];
    for (const [index, task] of waiting) {
      if (options.cancel.aborted) trouble ??= { outcome: 'cancelled', reason: reasonOfAbort(options.cancel) };
      const obstacle = trouble === undefined ? obstacleOf(task, rows, options) : undefined;
      if (trouble !== undefined) rows.set(task.name, skippedRow(task));
      else if (obstacle !== undefined) {
        rows.set(task.name, skippedRow(task));
        skips.set(task.name, obstacle);
        options.report({ kind: 'task-skipped', task: task.name, reason: obstacle });
      } else if (idle.length > 0 && task.needs.every((name) => rows.has(name))) {
        const keeper = idle.pop();
        if (keeper !== undefined) begin(index, task, keeper);
      } else later.push([index, task]);
    }
    waiting = later;
    if (running.size > 0) await Promise.race(running);
  }
  return {
    rows: tasks.map((task) => rows.get(task.name) ?? skippedRow(task)),
    skips,
    ...(trouble === undefined ? {} : { trouble }),
  };
}

/** Why a task is not to run: one that it needs did not pass, or the job stops at its first failure. */
function obstacleOf(
  task: TaskDeclaration,
  rows: ReadonlyMap<TaskName, TaskRow>,
  { job }: LoopOptions,
): string | undefined {
  for (const name of task.needs) {
    const row = rows.get(name);
    if (row === undefined || row.outcome === 'passed' || row.outcome === 'flaky') continue;
    const why = row.outcome === 'skipped' ? 'was skipped' : `ended as ${row.outcome}`;
    return `it needs ${quote(name)}, which ${why}`;
  }
  if (!job.stopOnFailure) return undefined;
  const ended = [...rows.values()];
  const outcome = foldTasks(ended);
  if (outcome === 'empty' || isGreen(outcome)) return undefined;
  const first = ended.find((row) => foldTasks([row]) === outcome);
  return `the job stops at its first failure, which was ${quote(first?.task ?? '')}`;
}
