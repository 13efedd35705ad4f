/** `soil-worker maybe-merge`: plans a merge, runs the gate and prints the result. */
import { exitStatus } from '../../command/command-context.js';
import { maybeMerge } from '../gate/maybe-merge.js';
import { planMerge, type MergeOptions } from '../gate/plan-merge.js';
import type { CommandContext } from '../system/command-context.js';

export interface MergeCommandOptions extends MergeOptions {
  readonly json?: boolean;
}

/** Returns the exit status that docs/gate.md defines. */
export async function mergeCommand(options: MergeCommandOptions, context: CommandContext): Promise<number> {
  const planned = await planMerge(options, context);
  if (!planned.ok) {
    context.warn(planned.error);
    return exitStatus.usage;
  }
  if (planned.value.kind !== 'merge') {
    const { kind, reason } = planned.value;
    const status = kind === 'not-needed' ? exitStatus.ok : exitStatus.refused;
    if (options.json === true) context.print(JSON.stringify({ status, message: reason }));
    else (status === exitStatus.ok ? context.print : context.warn)(reason);
    return status;
  }
  const { merge } = planned.value;
  const print = options.json === true ? context.warn : merge.print;
  const { status, message } = await maybeMerge({ ...merge, print });
  await merge.remote.close?.();
  if (options.json === true) {
    const { host, run, attempt, commit, branch, target } = merge;
    context.print(JSON.stringify({ status, message, host, run, attempt, commit, branch, target }));
    return status;
  }
  (status === 0 ? context.print : context.warn)(message);
  return status;
}
