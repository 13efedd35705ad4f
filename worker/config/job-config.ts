/** The entry of a job in soil.yml -> a JobDeclaration. Faults go to the source. */
import type { JobName } from '../../model/name.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { parseResultPath } from '../../model/task.js';
import { parseDuration } from '../../model/duration.js';
import { readImage } from './image-config.js';
import type { JobDeclaration } from './job-declaration.js';
import { credentialVariables } from '../system/credentials.js';
import {
  isVariableName,
  parseCommand,
  parsePositiveDuration,
  parseWorkingFolder,
  parseYesNo,
  readEnvironment,
  readTasks,
} from './task-config.js';
import {
  fault,
  readMap,
  readWord,
  readWords,
  type Entry,
  type Located,
  type YamlSource,
} from '../../model/yaml-reader.js';

const jobKeys = [
  'image',
  'build',
  'pull',
  'tasks',
  'tasks-from',
  'artifacts',
  'needs',
  'timeout',
  'grace',
  'network',
  'user',
  'engine-flags',
  'stop-on-failure',
  'env',
  'parallel',
  'working-folder',
  'tty',
  'ptrace',
  'pids-limit',
  'secrets',
] as const;
type JobKey = (typeof jobKeys)[number];

/** The time that a task has where neither it nor its job says one. */
export const defaultTimeoutSeconds = 3600;
/** The time between TERM and KILL. */
export const defaultGraceSeconds = 10;

/** A job as far as its own entry tells; its needs are still unchecked words with the place where they stand. */
export interface JobEntry {
  readonly job: JobDeclaration;
  readonly keyOffset: number;
  readonly needs: readonly { readonly value: string; readonly offset: number }[];
}

export function readJob(source: YamlSource, entry: Entry, name: JobName): JobEntry | undefined {
  const map = readMap(source, entry, `job ${name}`, jobKeys);
  if (map === undefined) return undefined;
  const get = <T>(key: JobKey, parse: (text: string) => Result<T>): T | undefined => {
    const found = map.get(key);
    return found && readWord(source, found, key, parse);
  };
  const image = readImage(source, map, entry);
  if (image?.kind === 'none') checkContainerKeys(source, map);
  const tasksEntry = map.get('tasks');
  const tasks = tasksEntry === undefined ? [] : readTasks(source, tasksEntry, `job ${name}`);
  const tasksFrom = get('tasks-from', parseCommand);
  if (map.has('tasks') === map.has('tasks-from')) {
    const why = map.has('tasks') ? 'it has both tasks and tasks-from' : 'it has neither tasks nor tasks-from';
    fault(source, entry.keyOffset, `cannot accept job ${quote(name)}: ${why}`);
  }
  const network = get('network', (text) => parseEngineWord(text, 'network'));
  const user = get('user', (text) => parseEngineWord(text, 'user'));
  const environment = readEnvironment(source, map.get('env'));
  const parallel = get('parallel', (text) => parseCount(text, 'parallel', mostLanes));
  const workingFolder = get('working-folder', parseWorkingFolder);
  const tty = get('tty', (text) => parseYesNo(text, 'tty'));
  const ptrace = get('ptrace', (text) => parseYesNo(text, 'ptrace'));
  const pidsLimit = get('pids-limit', (text) => parseCount(text, 'pids-limit', 4_194_304));
  const secrets = words('secrets', (text) => parseSecretName(text, environment));
  return {
    keyOffset: entry.keyOffset,
    needs: words('needs', (text) => accept(text)),
    job: {
      name,
      image: image ?? { kind: 'none' },
      tasks,
      ...(tasksFrom !== undefined && { tasksFrom }),
      artifacts: words('artifacts', parseArtifact).map(({ value }) => value),
      needs: [],
      timeoutSeconds:
        get('timeout', (text) => parsePositiveDuration(text, 'timeout')) ?? defaultTimeoutSeconds,
      graceSeconds: get('grace', (text) => parseDuration(text, 'grace')) ?? defaultGraceSeconds,
      environment,
      ...(network !== undefined && { network }),
      ...(user !== undefined && { user }),
      engineFlags: words('engine-flags', (text) => accept(text)).map(({ value }) => value),
      stopOnFailure: get('stop-on-failure', (text) => parseYesNo(text, 'stop-on-failure')) ?? false,
      ...(parallel !== undefined && { parallel }),
      ...(workingFolder !== undefined && { workingFolder }),
      ...(tty !== undefined && { tty }),
      ...(ptrace !== undefined && { ptrace }),
      ...(pidsLimit !== undefined && { pidsLimit }),
      ...(secrets.length > 0 && { secrets: secrets.map(({ value }) => value) }),
    },
  };

  function words<T>(key: JobKey, parse: (text: string) => Result<T>): ReturnType<typeof readWords<T>> {
    const found: Located | undefined = map?.get(key);
    return found === undefined ? [] : readWords(source, found, key, parse);
  }
}

/** Keys that only a container can heed. */
const containerKeys = ['pull', 'network', 'user', 'engine-flags', 'ptrace', 'pids-limit'] as const;

function checkContainerKeys(source: YamlSource, map: ReadonlyMap<string, Entry>): void {
  for (const key of containerKeys) {
    const found = map.get(key);
    if (found) fault(source, found.keyOffset, `cannot accept key ${quote(key)}: the job has image: none`);
  }
}

/** Each lane has a shell of its own. */
const mostLanes = 64;

function parseCount(text: string, what: string, most: number): Result<number> {
  if (/^[1-9]\d{0,8}$/.test(text) && Number(text) <= most) return accept(Number(text));
  return refuse(`cannot accept ${what} ${quote(text)}: it must be a whole number from 1 to ${most}`);
}

/** A variable of the worker's own environment; what soil.yml itself says for all to read is no secret. */
function parseSecretName(text: string, environment: Readonly<Record<string, string>>): Result<string> {
  const because = (reason: string) => refuse(`cannot accept secret ${quote(text)}: ${reason}`);
  if (!isVariableName(text)) return because('it must be the name of a variable');
  if (credentialVariables.includes(text)) return because('no task may see that variable');
  if (Object.hasOwn(environment, text)) return because('env of the same job gives its value away');
  return accept(text);
}

/** A word for an option of the engine. It may not look like a further option. */
function parseEngineWord(text: string, what: string): Result<string> {
  if (/^[^\s\p{Cc}-][^\s\p{Cc}]*$/u.test(text)) return accept(text);
  return refuse(`cannot accept ${what} ${quote(text)}: it must be one word that does not begin with "-"`);
}

/** A file of the repo; its last part is its name on the site. */
function parseArtifact(text: string): Result<string> {
  const path = parseResultPath(text, 'artifact');
  if (!path.ok) return path;
  const name = text.split('/').at(-1) ?? '';
  if (/^[A-Za-z0-9_+][A-Za-z0-9._+~-]{0,199}$/.test(name)) return path;
  return refuse(
    `cannot accept artifact ${quote(text)}: its file name must be made of letters, digits and . _ + ~ -, ` +
      'and begin with a letter or digit',
  );
}
