/** The tasks that Soil brings along, `os-info` and `dump-env`: a POSIX script, since an image need not have Node. */
import { fileURLToPath } from 'node:url';
import { packageRoot } from '../../files/package-root.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';

const builtinTasks = ['os-info', 'dump-env'] as const;
export type BuiltinTask = (typeof builtinTasks)[number];

export const builtinScript = fileURLToPath(new URL('shims/diagnose.sh', packageRoot));
/** Its name in the control folder, and the variable that tells every task where that is. */
export const builtinName = 'diagnose.sh';
export const builtinVariable = 'SOIL_BUILTIN';

export function parseBuiltinName(text: string, what = 'builtin'): Result<BuiltinTask> {
  const found = builtinTasks.find((name) => name === text);
  return found === undefined
    ? refuse(`cannot accept ${what} ${quote(text)}: it must be one of ${builtinTasks.join(', ')}`)
    : accept(found);
}

/** The command that a task with `builtin: NAME` runs. */
export function parseBuiltin(text: string): Result<string> {
  const name = parseBuiltinName(text);
  return name.ok ? accept(`sh "$${builtinVariable}" ${name.value}`) : name;
}
