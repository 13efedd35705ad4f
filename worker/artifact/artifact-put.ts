/** `soil-worker artifact put FILE...`: uploads files to a commit's folder on the server. */
import type { FileHandle } from 'node:fs/promises';
import { basename } from 'node:path';
import { errorMessage } from '../../model/error-message.js';
import { openNamedFile } from '../system/named-file.js';
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
    const opened = await openArtifact(file, context);
    if (!opened.ok) {
      context.warn(opened.error);
      return exitStatus.usage;
    }
    const content = opened.value;
    const answer = await uploadArtifact(service, { host, commit, name, content }).finally(() =>
      content.close(),
    );
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
    const opened = await openArtifact(file, context);
    if (!opened.ok) return opened;
    await opened.value.close();
    uploads.push({ file, name: name.value });
  }
  const repo = await chooseRepo(context);
  const allowed = await admitPublishing('publish artifacts', repo, context);
  if (!allowed.ok) return allowed;
  const folder = await planArtifactFolder(options, context);
  return folder.ok ? accept({ ...folder.value, uploads }) : folder;
}

/** Opens a file to publish. In the repo, a link is refused: a task could have made it. */
async function openArtifact(file: string, context: CommandContext): Promise<Result<FileHandle>> {
  const because = (reason: string) => refuse(`cannot publish ${quote(file)}: ${reason}`);
  try {
    const repo = await chooseRepo(context);
    const content = await openNamedFile({ repo, cwd: context.cwd, file, links: 'none' });
    if ((await content.stat()).isFile()) return accept(content);
    await content.close();
    return because('not a regular file');
  } catch (error) {
    return because(errorMessage(error));
  }
}
