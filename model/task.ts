/** A declared task, and the four-column task list (`task_name script action result_html`) that declares some. */
import { parseTaskName, type TaskName } from './name.js';
import { accept, quote, refuse, type Result } from './result.js';

/** One command of a project, run by `sh -e` from the working folder. */
export interface TaskDeclaration {
  readonly name: TaskName;
  /** shell text; may have several lines */
  readonly run: string;
  /** files, folders and globs below the repo that go into the wwz */
  readonly results: readonly string[];
  /** the result that the task's row links to: a path inside the wwz; absent where there is none */
  readonly resultHtml?: string;
  /** absent: the job's default */
  readonly timeoutSeconds?: number;
  /** names of tasks of the same job that must have passed before */
  readonly needs: readonly TaskName[];
  /** further tries after a failed one */
  readonly retries: number;
  /** a failure is shown and does not fail the job */
  readonly allowFailure: boolean;
  /** added to the job's environment */
  readonly environment: Readonly<Record<string, string>>;
  /** where it runs, a folder below the repo; absent: the job's */
  readonly workingFolder?: string;
  /** between TERM and KILL; absent: the job's */
  readonly graceSeconds?: number;
  /** its outputs and input are a terminal; absent: as the job says */
  readonly tty?: boolean;
}

/** A task with nothing but a name and a command. */
export function plainTask(name: TaskName, run: string): TaskDeclaration {
  return { name, run, results: [], needs: [], retries: 0, allowFailure: false, environment: {} };
}

/**
 * The command in the two columns that Soil's files have: the first word, and the rest. Line breaks and tabs become
 * spaces, since no cell can hold them; the whole command stands in the record's JSON.
 */
export function splitCommand(run: string): { readonly script: string; readonly action: string } {
  const line = run.trim().replace(/\s+/g, ' ');
  const at = line.indexOf(' ');
  return at < 0 ? { script: line, action: '-' } : { script: line.slice(0, at), action: line.slice(at + 1) };
}

/**
 * Reads a task list: columns apart by blanks, `-` for no action and for no result; blank lines and lines that begin
 * with `#` are passed over. Every fault is named with `source` and its line; one fault refuses the list.
 */
export function parseTaskList(text: string, source: string): Result<TaskDeclaration[]> {
  const tasks: TaskDeclaration[] = [];
  const faults: string[] = [];
  const lines = new Map<string, number>();
  text.split(/\r?\n/).forEach((line, index) => {
    if (line.trim() === '' || line.trimStart().startsWith('#')) return;
    const number = index + 1;
    const task = parseTaskLine(line);
    if (!task.ok) faults.push(`${source}:${number}: ${task.error}`);
    else {
      const before = lines.get(task.value.name);
      if (before === undefined) {
        lines.set(task.value.name, number);
        tasks.push(task.value);
      } else {
        faults.push(
          `${source}:${number}: cannot accept task ${quote(task.value.name)}: line ${before} has that name already`,
        );
      }
    }
  });
  return faults.length === 0 ? accept(tasks) : refuse(faults.join('\n'));
}

function parseTaskLine(line: string): Result<TaskDeclaration> {
  const columns = line.trim().split(/[ \t]+/);
  if (columns.length !== 4) {
    return refuse(
      `cannot accept task ${quote(line.trim())}: it has ${columns.length} columns, ` +
        'not the four of "task_name script action result_html"',
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

/** A path below the repo (and so inside the wwz): relative, no `..`, no backslash, no scheme, no control character. */
export function parseResultPath(text: string, what = 'result'): Result<string> {
  const because = (reason: string) => refuse(`cannot accept ${what} ${quote(text)}: ${reason}`);
  if (text === '') return because('it is empty');
  if (text.startsWith('/')) return because('it must be relative to the repo');

  if (/[\u0000-\u001f\u007f\\]/.test(text)) return because('it has a backslash or a control character');
  if (/^[A-Za-z][A-Za-z0-9+.-]*:/.test(text)) return because('it must be a path, not a URL');
  if (text.split('/').includes('..')) return because('it leaves the repo through ".."');
  return accept(text);
}
