/** Declarations of tasks. Parses task lists, which have four columns: `task_name script action result_html`. */
import { parseTaskName, type TaskName, type WorkerHost } from './name.js';
import { accept, quote, refuse, type Result } from './result.js';

/** A failure that is known and tolerated for a while. */
export interface ExpectedFailure {
  /** the worker hosts where the task fails; empty: all */
  readonly on: readonly WorkerHost[];
  /** the last day of the failure, as in `2027-01-31`, in UTC; absent: forever */
  readonly until?: string;
  /** one line */
  readonly why: string;
}

/** One command of a project, run by `sh -e` in the working folder. */
export interface TaskDeclaration {
  readonly name: TaskName;
  /** shell text; may have several lines */
  readonly run: string;
  /** files, folders and globs in the repo that go into the wwz */
  readonly results: readonly string[];
  /** the result that the task's row links to: a path inside the wwz */
  readonly resultHtml?: string;
  /** the job's timeout unless set */
  readonly timeoutSeconds?: number;
  /** names of earlier tasks of the job that must have passed */
  readonly needs: readonly TaskName[];
  /** how often to run the task again after a failure */
  readonly retries: number;
  /** a failure of the task does not fail the job */
  readonly allowFailure: boolean;
  /** the task is expected to fail; absent: it is not */
  readonly expectFail?: ExpectedFailure;
  /** added to the job's environment */
  readonly environment: Readonly<Record<string, string>>;
  /** a folder in the repo; the job's unless set */
  readonly workingFolder?: string;
  /** time between SIGTERM and SIGKILL; the job's unless set */
  readonly graceSeconds?: number;
  /** runs the task on a terminal; the job's unless set */
  readonly tty?: boolean;
}

/** Returns a task with a name and a command only. */
export function plainTask(name: TaskName, run: string): TaskDeclaration {
  return { name, run, results: [], needs: [], retries: 0, allowFailure: false, environment: {} };
}

/**
 * Splits a command into the columns `script` and `action` of the TSV: the first word and the rest. Whitespace becomes
 * single spaces, since cells cannot contain line breaks and tabs. The record's JSON has the full command.
 */
export function splitCommand(run: string): { readonly script: string; readonly action: string } {
  const line = run.trim().replace(/\s+/g, ' ');
  const at = line.indexOf(' ');
  return at < 0 ? { script: line, action: '-' } : { script: line.slice(0, at), action: line.slice(at + 1) };
}

/** How many tasks a job can have. The server keeps the names of all tasks in memory. */
export const maxTasks = 50_000;

/**
 * Parses a task list: columns separated by blanks, `-` for no action and for no result. Empty lines and lines that start
 * with `#` are ignored. A refusal lists every error with `source` and the line.
 */
export function parseTaskList(text: string, source: string): Result<TaskDeclaration[]> {
  const tasks: TaskDeclaration[] = [];
  const errors: string[] = [];
  const lines = new Map<string, number>();
  text.split(/\r?\n/).forEach((line, index) => {
    if (line.trim() === '' || line.trimStart().startsWith('#')) return;
    const number = index + 1;
    const task = parseTaskLine(line);
    if (!task.ok) errors.push(`${source}:${number}: ${task.error}`);
    else {
      const before = lines.get(task.value.name);
      if (before === undefined) {
        lines.set(task.value.name, number);
        tasks.push(task.value);
      } else {
        errors.push(
          `${source}:${number}: cannot accept task ${quote(task.value.name)}: line ${before} has a task of that name`,
        );
      }
    }
  });
  if (tasks.length > maxTasks) {
    return refuse(`cannot accept ${source}: it lists ${tasks.length} tasks, more than ${maxTasks}`);
  }
  return errors.length === 0 ? accept(tasks) : refuse(errors.join('\n'));
}

function parseTaskLine(line: string): Result<TaskDeclaration> {
  const columns = line.trim().split(/[ \t]+/);
  if (columns.length !== 4) {
    return refuse(
      `cannot accept task ${quote(line.trim())}: it has ${columns.length} columns, ` +
        'not four like "task_name script action result_html"',
    );
  }
  const [first = '', script = '', action = '', result = ''] = columns;
  const name = parseTaskName(first);
  if (!name.ok) return name;
  if (script === '-') return refuse(`cannot accept task ${quote(first)}: it has no script`);
  const run = action === '-' ? script : `${script} ${action}`;
  if (result === '-') return accept(plainTask(name.value, run));
  const path = parseResultPath(result);
  return path.ok ? accept({ ...plainTask(name.value, run), results: [result], resultHtml: result }) : path;
}

/** Parses a path in the repo, which is also its path in the wwz: relative, without `..`, backslash, scheme or control character. */
export function parseResultPath(text: string, what = 'result'): Result<string> {
  const because = (reason: string) => refuse(`cannot accept ${what} ${quote(text)}: ${reason}`);
  if (text === '') return because('it is empty');
  if (text.startsWith('/')) return because('it must be relative to the repo');
  if (/[\u0000-\u001f\u007f\\]/.test(text)) return because('it has a backslash or a control character');
  if (/^[A-Za-z][A-Za-z0-9+.-]*:/.test(text)) return because('it must be a path, not a URL');
  if (text.split('/').includes('..')) return because('it leaves the repo with ".."');
  return accept(text);
}
