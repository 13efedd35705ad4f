/** `soil-worker announce JOB`: tells the server that a job starts, in a step of its own that has the token. */
import { exitStatus } from '../../command/command-context.js';
import { announceJob, type AnnounceOptions } from '../job/announce-job.js';
import type { CommandContext } from '../system/command-context.js';

/** Returns 0, 1 if the server did not accept the event, or 2 for misuse. */
export async function announceCommand(
  name: string,
  options: AnnounceOptions,
  context: CommandContext,
): Promise<number> {
  const end = await announceJob(name, options, context);
  if (end.kind === 'announced') {
    context.print(`results will be at ${end.url}`);
    return exitStatus.ok;
  }
  context.warn(end.reason);
  return end.kind === 'misuse' ? exitStatus.usage : exitStatus.failed;
}
