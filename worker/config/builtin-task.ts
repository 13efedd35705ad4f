/** The built-in tasks, and the paths of the script that runs them: on this machine and in a job. */
import { fileURLToPath } from 'node:url';
import { packageRoot } from '../../files/package-root.js';
import type { Result } from '../../model/result.js';
import { parseChoice } from '../../model/value-type.js';

export const builtinTasks = ['os-info', 'dump-env'] as const;
export type BuiltinTask = (typeof builtinTasks)[number];

export const builtinScript = fileURLToPath(new URL('shims/diagnose.sh', packageRoot));
/** The script's name in a job's control folder, and the variable that holds its path in every task. */
export const builtinName = 'diagnose.sh';
export const builtinVariable = 'SOIL_BUILTIN';

export function parseBuiltinName(text: string, what = 'builtin'): Result<BuiltinTask> {
  return parseChoice(text, what, builtinTasks);
}

/** Returns the shell command of a built-in task. */
export const builtinCommand = (name: BuiltinTask): string => `sh "$${builtinVariable}" ${name}`;
