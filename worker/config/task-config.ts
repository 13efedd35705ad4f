/** Makes task declarations of the entries of `tasks`. Reports faults that concern more than one key. */
import type { TaskName } from '../../model/name.js';
import { defaultValue, type TableValues } from '../../model/key-table.js';
import { quote } from '../../model/result.js';
import { plainTask, type TaskDeclaration } from '../../model/task.js';
import { plainValues, type LocatedValue, type NamedValue } from '../../model/value-list.js';
import { addFault, type YamlSource } from '../../model/yaml-reader.js';
import { builtinCommand } from './builtin-task.js';
import { taskKeys } from './soil-yml-keys.js';

const defaultRetries = defaultValue(taskKeys.keys.retries);
const allowsFailure = defaultValue(taskKeys.keys['allow-failure']);

type TaskValues = TableValues<typeof taskKeys.keys>;

/** Returns the tasks in the order of the file. Invalid tasks are left out. */
export function tasksOf(
  source: YamlSource,
  tasks: readonly LocatedValue<TaskValues>[] = [],
): TaskDeclaration[] {
  const declared: TaskDeclaration[] = [];
  for (const { value } of tasks) {
    const task = taskOf(source, value, declared);
    if (task !== undefined) declared.push(task);
  }
  return declared;
}

/** Makes one task. `before`: the earlier tasks of the job, the only ones that it can need. */
function taskOf(
  source: YamlSource,
  { values, entries, offset }: TaskValues,
  before: readonly TaskDeclaration[],
): TaskDeclaration | undefined {
  const { name, builtin, timeout, grace, tty, 'working-folder': workingFolder } = values;
  if (before.some((task) => task.name === name)) {
    const at = entries.get('name')?.offset ?? offset;
    addFault(source, at, `cannot accept task name ${quote(name ?? '')}: an earlier task has the same name`);
    return undefined;
  }
  const needs = needsOf(source, values.needs ?? [], before);
  const run = values.run ?? (builtin && builtinCommand(builtin));
  if (name === undefined || run === undefined) return undefined;
  const results = plainValues(values.results);
  const resultHtml = values['result-html'] ?? onlyPage(results);
  return {
    ...plainTask(name, run),
    ...{ results, needs },
    ...(resultHtml !== undefined && { resultHtml }),
    ...(timeout !== undefined && { timeoutSeconds: timeout }),
    retries: values.retries ?? defaultRetries,
    allowFailure: values['allow-failure'] ?? allowsFailure,
    ...expectFailOf(values['expect-fail']),
    environment: environmentOf(values.env),
    ...(grace !== undefined && { graceSeconds: grace }),
    ...(workingFolder !== undefined && { workingFolder }),
    ...(tty !== undefined && { tty }),
  };
}

function expectFailOf(read: TaskValues['values']['expect-fail']): Pick<TaskDeclaration, 'expectFail'> {
  const { on, until, why } = read?.values ?? {};
  if (why === undefined) return {};
  return { expectFail: { on: plainValues(on), why, ...(until !== undefined && { until }) } };
}

function needsOf(
  source: YamlSource,
  needs: readonly LocatedValue<string>[],
  before: readonly TaskDeclaration[],
): readonly TaskName[] {
  return needs.flatMap(({ value, offset }) => {
    const task = before.find(({ name }) => name === value);
    if (task !== undefined) return [task.name];
    addFault(source, offset, `cannot accept need ${quote(value)}: no earlier task of this job has that name`);
    return [];
  });
}

/** Returns the only result if it is an HTML file: the task's row links to it. */
function onlyPage(results: readonly string[]): string | undefined {
  const [only = ''] = results;
  return results.length === 1 && /^[^*?{}[\]!]+\.html?$/i.test(only) ? only : undefined;
}

export const environmentOf = (
  variables: readonly NamedValue<string, string>[] = [],
): Readonly<Record<string, string>> =>
  Object.fromEntries(
    variables.flatMap(({ name, value }) => (name === undefined ? [] : [[name, value] as const])),
  );
