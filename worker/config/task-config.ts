/** The entry of a task in soil.yml -> a TaskDeclaration. Faults go to the source. */
import { parseTaskName, type TaskName } from '../../model/name.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { parseResultPath, plainTask, type TaskDeclaration } from '../../model/task.js';
import { parseDuration } from '../../model/duration.js';
import { parseBuiltin } from './builtin-task.js';
import {
  fault,
  readList,
  readMap,
  readWord,
  readWords,
  type Located,
  type YamlSource,
} from '../../model/yaml-reader.js';

const taskKeys = [
  'name',
  'run',
  'results',
  'result-html',
  'timeout',
  'needs',
  'retries',
  'allow-failure',
  'env',
  'builtin',
  'grace',
  'working-folder',
  'tty',
] as const;

/** Reads the list `tasks`. What cannot be read is left out, with its fault told. */
export function readTasks(source: YamlSource, located: Located, job: string): TaskDeclaration[] {
  const items = readList(source, located, `tasks of ${job}`);
  if (items?.length === 0) fault(source, located.offset, `cannot accept tasks of ${job}: the list is empty`);
  const tasks: TaskDeclaration[] = [];
  for (const item of items ?? []) {
    const task = readTask(source, item, tasks);
    if (task !== undefined) tasks.push(task);
  }
  return tasks;
}

/** `before`: the tasks that stand earlier in the list, the only ones that a task may need. */
function readTask(
  source: YamlSource,
  located: Located,
  before: readonly TaskDeclaration[],
): TaskDeclaration | undefined {
  const map = readMap(source, located, 'task', taskKeys);
  if (map === undefined) return undefined;
  const get = <T>(key: (typeof taskKeys)[number], parse: (text: string) => Result<T>): T | undefined => {
    const entry = map.get(key);
    return entry && readWord(source, entry, key, parse);
  };
  const isBuiltin = map.has('builtin');
  for (const key of isBuiltin ? (['name'] as const) : (['name', 'run'] as const)) {
    if (!map.has(key)) fault(source, located.offset, `cannot accept the task: ${key} is missing`);
  }
  if (isBuiltin && map.has('run')) {
    fault(source, located.offset, 'cannot accept the task: it has both run and builtin');
  }
  const name = get('name', (text) => parseNewName(text, before));
  const run = get('run', parseCommand) ?? get('builtin', parseBuiltin);
  const results = wordsOf(map.get('results'), 'result', parseResultPath);
  const resultHtml = get('result-html', (text) => parseResultPath(text, 'result-html')) ?? onlyPage(results);
  const timeoutSeconds = get('timeout', (text) => parsePositiveDuration(text, 'timeout'));
  const needs = wordsOf(map.get('needs'), 'need', (text) => parseNeed(text, before));
  const retries = get('retries', parseRetries) ?? 0;
  const allowFailure = get('allow-failure', (text) => parseYesNo(text, 'allow-failure')) ?? false;
  const environment = readEnvironment(source, map.get('env'));
  const graceSeconds = get('grace', (text) => parseDuration(text, 'grace'));
  const workingFolder = get('working-folder', parseWorkingFolder);
  const tty = get('tty', (text) => parseYesNo(text, 'tty'));
  if (name === undefined || run === undefined) return undefined;
  return {
    ...plainTask(name, run),
    results,
    ...(resultHtml !== undefined && { resultHtml }),
    ...(timeoutSeconds !== undefined && { timeoutSeconds }),
    needs,
    retries,
    allowFailure,
    environment,
    ...(graceSeconds !== undefined && { graceSeconds }),
    ...(workingFolder !== undefined && { workingFolder }),
    ...(tty !== undefined && { tty }),
  };

  function wordsOf<T>(entry: Located | undefined, what: string, parse: (text: string) => Result<T>): T[] {
    return entry === undefined ? [] : readWords(source, entry, what, parse).map(({ value }) => value);
  }
}

/** Where a task has one result and it is a page, its row links to it without being told. */
function onlyPage(results: readonly string[]): string | undefined {
  const [only = ''] = results;
  return results.length === 1 && /^[^*?{}[\]!]+\.html?$/i.test(only) ? only : undefined;
}

function parseNewName(text: string, before: readonly TaskDeclaration[]): Result<TaskName> {
  if (before.some((task) => task.name === text)) {
    return refuse(`cannot accept task name ${quote(text)}: an earlier task has it already`);
  }
  return parseTaskName(text);
}

function parseNeed(text: string, before: readonly TaskDeclaration[]): Result<TaskName> {
  const task = before.find(({ name }) => name === text);
  return task === undefined
    ? refuse(`cannot accept need ${quote(text)}: no earlier task of this job has that name`)
    : accept(task.name);
}

/** Shell text. A NUL cannot be handed to any shell. */
export function parseCommand(text: string): Result<string> {
  if (text.includes('\0')) return refuse(`cannot accept run ${quote(text)}: it has a NUL character`);
  if (text.trim() === '') return refuse(`cannot accept run ${quote(text)}: it is empty`);
  return accept(text);
}

export function parsePositiveDuration(text: string, what: string): Result<number> {
  return parseDuration(text, what, { minSeconds: 1 });
}

/** A folder below the repo; whether it is there is the task's own affair, since an earlier task may make it. */
export function parseWorkingFolder(text: string): Result<string> {
  return parseResultPath(text, 'working-folder');
}

function parseRetries(text: string): Result<number> {
  if (/^\d{1,2}$/.test(text)) return accept(Number(text));
  return refuse(`cannot accept retries ${quote(text)}: it must be a whole number from 0 to 99`);
}

export function parseYesNo(text: string, what: string): Result<boolean> {
  if (text === 'true' || text === 'false') return accept(text === 'true');
  return refuse(`cannot accept ${what} ${quote(text)}: it must be true or false`);
}

/** A map of variables; numbers and words are taken as they are written, an empty value is an empty variable. */
export function readEnvironment(
  source: YamlSource,
  located: Located | undefined,
): Readonly<Record<string, string>> {
  if (located === undefined) return {};
  const pairs: [string, string][] = [];
  for (const entry of readMap(source, located, 'env')?.values() ?? []) {
    if (!isVariableName(entry.key)) {
      fault(
        source,
        entry.keyOffset,
        `cannot accept variable ${quote(entry.key)}: a name is made of letters, digits and "_", and is not "__proto__"`,
      );
      continue;
    }
    const value = isEmptyScalar(entry) ? '' : readWord(source, entry, `variable ${entry.key}`, parseVariable);
    if (value !== undefined) pairs.push([entry.key, value]);
  }
  return Object.fromEntries(pairs);
}

/** `__proto__` fits the form, and would be no variable but the parent of the object that holds them. */
export function isVariableName(text: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(text) && text !== '__proto__';
}

function parseVariable(text: string): Result<string> {
  return text.includes('\0')
    ? refuse(`cannot accept value ${quote(text)}: it has a NUL character`)
    : accept(text);
}

const isEmptyScalar = ({ node }: Located): boolean => node !== null && 'value' in node && node.value === '';
