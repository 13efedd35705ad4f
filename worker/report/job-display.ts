/** Shows a job's progress: one line per task, and on GitHub Actions folded logs and annotations. */
import type { CommandContext } from '../system/command-context.js';
import { formatError, formatGroup } from './github-actions.js';
import {
  failedRows,
  formatLogTail,
  formatProgress,
  formatRow,
  formatStatus,
  logLines,
  plain,
  quoteLine,
} from './format-progress.js';
import { findProblems } from './compiler-problems.js';
import { readLogTail } from '../output/log-tail.js';
import type { FinishedJob, Progress } from '../record/progress.js';

export interface DisplayOptions {
  readonly job: string;
  readonly context: Pick<CommandContext, 'print' | 'warn' | 'color' | 'status'>;
  readonly isGithub: boolean;
  /** paths of the repo's root: on this machine, and in a container */
  readonly roots: readonly string[];
  /** the folder in which a task runs, relative to the repo's root */
  readonly folderOf: (task: string) => string | undefined;
}

/** GitHub shows at most ten annotations per step. */
const maxAnnotations = 10;
const groupLines = 200;

/** Prints the steps of one job in order, even if reading a log takes time. */
export class JobDisplay {
  readonly #options: DisplayOptions;
  readonly #logs = new Map<string, string>();
  /** the status line of each running task, the newest last */
  readonly #running = new Map<string, string>();
  #annotationsLeft = maxAnnotations;
  #printed: Promise<void> = Promise.resolve();

  constructor(options: DisplayOptions) {
    this.#options = options;
  }

  /** Queues a step for printing. */
  show(progress: Progress): void {
    const { context, isGithub } = this.#options;
    if (progress.kind === 'task-done') this.#logs.set(progress.row.task, progress.logFile);
    this.#printed = this.#printed.then(async () => {
      if (isGithub && progress.kind === 'task-done') {
        await this.#showTask(progress);
        return;
      }
      const print = progress.kind === 'notice' ? context.warn : context.print;
      for (const line of formatProgress(progress, context)) print(line);
      context.status(this.#statusAfter(progress) ?? '');
    });
  }

  /** The status line after a step. Other tasks may run when one finishes. */
  #statusAfter(progress: Progress): string | undefined {
    const status = formatStatus(progress);
    if (progress.kind === 'task-begin' && status !== undefined) this.#running.set(progress.task, status);
    if (progress.kind === 'task-done') this.#running.delete(progress.row.task);
    return [...this.#running.values()].at(-1) ?? status;
  }

  /** Prints the last lines of the failed tasks' logs, and returns them by task. */
  async close(finished: FinishedJob): Promise<ReadonlyMap<string, string>> {
    await this.#printed;
    const { context, isGithub, job } = this.#options;
    const tails = new Map<string, string>();
    for (const { task } of failedRows(finished.rows)) {
      const log = this.#logs.get(task);
      if (log === undefined) continue;
      const tail = await readLogTail(log);
      tails.set(task, tail);
      for (const line of formatLogTail(task, tail)) context.print(line);
    }
    if (isGithub && finished.record.reason !== undefined)
      context.print(formatError(job, finished.record.reason));
    return tails;
  }

  /** Prints the end of a task's log as a group, and a failure as annotations. The archive holds the whole log. */
  async #showTask({ row, logFile, note }: Extract<Progress, { readonly kind: 'task-done' }>): Promise<void> {
    const { context, roots, job, folderOf } = this.#options;
    const title = formatRow(row, { color: false });
    const isFailed = failedRows([row]).length > 0;
    if (row.outcome === 'skipped') {
      context.print(title);
      return;
    }
    const tail = await readLogTail(logFile);
    for (const line of formatGroup(title, logLines(tail, groupLines).lines.map(quoteLine)))
      context.print(line);
    if (note !== undefined) context.print(plain(note));
    // An allowed failure is not annotated.
    if (!isFailed || row.allowed) return;
    const name = `${job}: ${row.task}`;
    const problems = findProblems(tail, { roots, folder: folderOf(row.task), limit: this.#annotationsLeft });
    for (const problem of problems) context.print(formatError(name, problem.message, problem));
    this.#annotationsLeft -= problems.length;
    if (problems.length > 0 || this.#annotationsLeft === 0) return;
    this.#annotationsLeft -= 1;
    const last = logLines(tail, 1).lines.join('').trim();
    const why = note ?? last;
    context.print(formatError(name, `${row.outcome}, status ${row.status}${why === '' ? '' : `: ${why}`}`));
  }
}
