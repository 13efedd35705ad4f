/** `soil-worker artifact put FILE...`: uploads files to a commit's folder on the server. */
import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { chooseRepo } from '../config/load-job.js';
import { admitPublishing } from '../policy/load-policies.js';
import { parseArtifactName, uploadArtifact, type UploadedArtifact } from '../publish/upload-artifact.js';
import { planArtifactFolder, type ArtifactOptions, type ArtifactFolder } from './artifact-address.js';
import { exitStatus } from '../../command/command-context.js';
import type { CommandContext } from '../system/command-context.js';

export interface PutOptions extends ArtifactOptions {
  readonly name?: string;
}

/** 0: all files are published. 1: the server is unreachable. 2: usage. 3: the server refused a file. */
export async function putCommand(
  files: readonly string[],
  options: PutOptions,
  context: CommandContext,
): Promise<number> {
  const planned = await planPut(files, options, context);
  if (!planned.ok) {
    context.warn(planned.error);
    return exitStatus.usage;
  }
  const { service, host, commit, uploads } = planned.value;
  const published: UploadedArtifact[] = [];
  for (const { file, name } of uploads) {
    context.status(`sending ${name}`);
    const answer = await uploadArtifact(service, { host, commit, name, file: resolve(context.cwd, file) });
    if (answer.kind !== 'published') {
      if (options.json === true) context.print(JSON.stringify({ published, error: answer.reason }));
      context.warn(answer.reason);
      return answer.kind === 'refused' ? exitStatus.refused : exitStatus.failed;
    }
    published.push(answer.artifact);
    if (options.json !== true) {
      context.print(answer.artifact.url);
      if (!answer.artifact.isNew) context.warn(`notice: ${name} is already published with the same bytes`);
    }
  }
  if (options.json === true) context.print(JSON.stringify({ published }));
  return exitStatus.ok;
}

interface PutPlan extends ArtifactFolder {
  readonly uploads: readonly { readonly file: string; readonly name: string }[];
}

async function planPut(
  files: readonly string[],
  options: PutOptions,
  context: CommandContext,
): Promise<Result<PutPlan>> {
  if (options.name !== undefined && files.length !== 1) {
    return refuse(
      `cannot accept --name ${quote(options.name)}: it needs exactly one file, not ${files.length}`,
    );
  }
  const uploads: PutPlan['uploads'][number][] = [];
  for (const file of files) {
    const name = parseArtifactName(options.name ?? basename(file));
    if (!name.ok) return name;
    const isFile = await stat(resolve(context.cwd, file)).then(
      (stats) => stats.isFile(),
      () => undefined,
    );
    if (isFile !== true) {
      return refuse(
        `cannot publish ${quote(file)}: ${isFile === false ? 'not a regular file' : 'no such file or directory'}`,
      );
    }
    uploads.push({ file, name: name.value });
  }
  const repo = await chooseRepo(context);
  const allowed = await admitPublishing('publish artifacts', repo, context);
  if (!allowed.ok) return allowed;
  const folder = await planArtifactFolder(options, context);
  return folder.ok ? accept({ ...folder.value, uploads }) : folder;
}
