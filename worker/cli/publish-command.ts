/** `soil-worker publish JOB`: publishes the results that an earlier run stored. */
import { announceResults, publishJob, readResults } from '../job/publish-job.js';
import { planStoredJob } from '../job/plan-job.js';
import type { PublishOptions } from '../publish/publish-target.js';
import { exitStatus } from '../../command/command-context.js';
import type { CommandContext } from '../system/command-context.js';
import { quietStdout } from './json-output.js';

/** Returns 0, 1 if publishing failed, or 2 for misuse or missing results. With `--json`, prints one line of JSON on stdout, and everything else on stderr. */
export async function publishCommand(
  name: string,
  options: PublishOptions & { readonly json?: boolean },
  context: CommandContext,
): Promise<number> {
  const command = options.json === true ? quietStdout(context) : context;
  const planned = await planStoredJob(name, options, command);
  if (!planned.ok) {
    context.warn(planned.error);
    return exitStatus.usage;
  }
  await announceResults(planned.value);
  const published = await publishJob(planned.value, await readResults(planned.value));
  const status = published.ok ? exitStatus.ok : exitStatus.failed;
  const ending = published.ok ? { urls: published.value } : { urls: [], reason: published.error };
  if (options.json === true) context.print(JSON.stringify({ job: name, status, ...ending }));
  return status;
}
