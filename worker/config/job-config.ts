/** Makes a JobDeclaration of the entry of a job in soil.yml. Reports faults that concern more than one key. */
import type { JobName } from '../../model/name.js';
import { defaultValue, type TableValues } from '../../model/key-table.js';
import { quote } from '../../model/result.js';
import { plainValues, type LocatedValue } from '../../model/value-list.js';
import { addFault, type YamlSource } from '../../model/yaml-reader.js';
import { isHiddenName } from '../system/hidden-variables.js';
import { imageOf } from './image-config.js';
import type { JobDeclaration } from './job-declaration.js';
import { jobKeys } from './soil-yml-keys.js';
import { environmentOf, tasksOf } from './task-config.js';

/** The time limit of a task if neither the task nor its job sets one. */
export const defaultTimeoutSeconds = defaultValue(jobKeys.keys.timeout);
/** The time between TERM and KILL. */
export const defaultGraceSeconds = defaultValue(jobKeys.keys.grace);
const stopsOnFailure = defaultValue(jobKeys.keys['stop-on-failure']);

/** A job before its needs are checked against the other jobs. */
export interface JobEntry {
  readonly job: JobDeclaration;
  readonly keyOffset: number;
  readonly needs: readonly LocatedValue<string>[];
}

/** Makes a job of its values. An invalid value is replaced by a default, since its fault refuses the file anyway. */
export function jobOf(source: YamlSource, read: TableValues<typeof jobKeys.keys>, name: JobName): JobEntry {
  const { values, offset } = read;
  const { 'working-folder': workingFolder, 'pids-limit': pidsLimit, 'tasks-from': tasksFrom } = values;
  const { network, user, parallel, tty, ptrace, isolate } = values;
  const environment = environmentOf(values.env);
  const secrets = secretsOf(source, values.secrets ?? [], environment);
  return {
    keyOffset: offset,
    needs: values.needs ?? [],
    job: {
      name,
      image: imageOf(read) ?? { kind: 'none' },
      tasks: tasksOf(source, values.tasks),
      ...(tasksFrom !== undefined && { tasksFrom }),
      artifacts: plainValues(values.artifacts),
      needs: [],
      timeoutSeconds: values.timeout ?? defaultTimeoutSeconds,
      graceSeconds: values.grace ?? defaultGraceSeconds,
      environment,
      ...(network !== undefined && { network }),
      ...(user !== undefined && { user }),
      engineFlags: plainValues(values['engine-flags']),
      stopOnFailure: values['stop-on-failure'] ?? stopsOnFailure,
      ...(parallel !== undefined && { parallel }),
      ...(workingFolder !== undefined && { workingFolder }),
      ...(tty !== undefined && { tty }),
      ...(ptrace !== undefined && { ptrace }),
      ...(isolate === true && { isolate }),
      ...(values.git === 'writable' && { git: values.git }),
      ...(pidsLimit !== undefined && { pidsLimit }),
      ...(secrets.length > 0 && { secrets }),
    },
  };
}

/** Returns the names of secrets. A variable that `env` of the job sets is a fault, because the file shows its value. */
function secretsOf(
  source: YamlSource,
  names: readonly LocatedValue<string>[],
  environment: Readonly<Record<string, string>>,
): readonly string[] {
  return names.map(({ value, offset }) => {
    const because = (reason: string): void => {
      addFault(source, offset, `cannot accept secret ${quote(value)}: ${reason}`);
    };
    if (isHiddenName(value)) because('no task can see this variable');
    else if (Object.hasOwn(environment, value)) because('env of the same job shows its value');
    return value;
  });
}
