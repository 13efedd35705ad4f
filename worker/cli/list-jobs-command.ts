/** `soil-worker list-jobs`: prints the jobs of soil.yml, one name per line, or as JSON for a CI matrix. */
import { exitStatus } from '../../command/command-context.js';
import type { CommandContext } from '../system/command-context.js';
import { formatImage } from '../config/image-config.js';
import { readProject } from '../config/load-job.js';
import type { ProjectConfig } from '../config/job-declaration.js';

/** Returns 0, or 2 if soil.yml cannot be read. */
export async function listJobsCommand(
  options: { readonly json?: boolean; readonly config?: string },
  context: CommandContext,
): Promise<number> {
  const project = await readProject(context, options.config);
  if (!project.ok) {
    context.warn(project.error);
    return exitStatus.usage;
  }
  if (options.json === true) context.print(JSON.stringify(jobList(project.value)));
  else for (const { name } of project.value.jobs) context.print(name);
  return exitStatus.ok;
}

/** Returns what `list-jobs --json` prints. */
function jobList({ jobs }: ProjectConfig): readonly object[] {
  return jobs.map(({ name, image, needs }) => ({
    ...{ name, needs },
    image: formatImage(image),
  }));
}
