/** Stores copies of a job's artifacts in its folder, since `local` removes the clone, and finds them for `publish`. */
import { copyFile, mkdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { errorMessage } from '../../model/error-message.js';
import { readConfig } from '../config/load-job.js';
import type { PublishOptions } from '../publish/publish-target.js';
import { fileExists } from '../publish/upload-job.js';
import { artifactsFolderName } from '../record/out-folder.js';
import type { CommandContext } from '../system/command-context.js';
import type { StoredJob } from './job-context.js';

/** Copies the artifacts that exist to the job's folder. A failed copy is a notice. */
export async function storeArtifacts(
  artifacts: readonly string[],
  jobFolder: string,
  { print, warn }: CommandContext,
): Promise<void> {
  for (const artifact of artifacts) {
    const facts = await stat(artifact).catch(() => undefined);
    if (facts?.isFile() !== true) continue;
    const copy = copyPath(jobFolder, artifact);
    try {
      await mkdir(join(jobFolder, artifactsFolderName), { recursive: true });
      await copyFile(artifact, copy);
      print(`artifact: ${copy}`);
    } catch (error) {
      warn(`notice: cannot store artifact ${copy}: ${errorMessage(error)}`);
    }
  }
}

/** Finds the artifacts that soil.yml declares: the stored copies, else the files of the repo. */
export async function findArtifacts(
  { command, repo, job, out }: StoredJob,
  options: PublishOptions,
): Promise<readonly string[]> {
  const config = await readConfig(repo, command.cwd, options.config);
  if (!config.ok) {
    command.warn(`notice: artifacts are not published: ${config.error}`);
    return [];
  }
  const declared = config.value?.jobs.find(({ name }) => name === job)?.artifacts ?? [];
  return Promise.all(
    declared.map(async (path) => {
      const copy = copyPath(out, path);
      return (await fileExists(copy)) ? copy : join(repo, path);
    }),
  );
}

const copyPath = (jobFolder: string, artifact: string): string =>
  join(jobFolder, artifactsFolderName, basename(artifact));
