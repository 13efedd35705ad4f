/** Uploads a finished job: its files, its artifacts, and the event that it is done. */
import { access, open } from 'node:fs/promises';
import type { JobName } from '../../model/name.js';
import { isGreen } from '../../model/outcome.js';
import { commitPage, jobFile, runPage } from '../../model/path.js';
import type { JobRecord } from '../../model/record.js';
import { accept, quote, refuse, unreachable, type Result } from '../../model/result.js';
import { addressOf, type JobIdentity } from '../../model/run.js';
import { uploadArtifact } from './upload-artifact.js';
import { defaultUploadLimits } from '../../wwz/limits.js';
import type { CommandContext } from '../system/command-context.js';
import { createDoneEvent, createEventBase } from './job-event.js';
import type { JobFiles } from '../state/job-folder.js';
import { uploadWithinLimits, withFitted } from './fitted-upload.js';
import { sendDone, type ResultUrls } from './upload-results.js';
import type { StoredArtifact } from '../state/stored-artifacts.js';
import type { PublishTarget } from './publish-target.js';
import type { SoilService } from '../client/soil-server.js';

/** The parts of a job that are uploaded. */
export interface JobUpload {
  readonly job: JobName;
  readonly identity: JobIdentity;
  readonly record: JobRecord;
  readonly files: JobFiles;
  readonly artifacts: readonly StoredArtifact[];
}

/** Uploads a job to its target. Returns the addresses of what was uploaded: URLs, or paths on the SSH host. */
export async function uploadJob(
  upload: JobUpload,
  target: PublishTarget,
  context: CommandContext,
): Promise<Result<readonly string[]>> {
  switch (target.kind) {
    case 'ssh': {
      const { uploadBySsh } = await import('./ssh-upload.js');
      const address = addressOf(upload.identity);
      const notice = (text: string): void => {
        context.warn(`notice: ${text}`);
      };
      // The server of that site accepts at least this much, unless its operator says otherwise.
      return withFitted(upload.files, { limits: defaultUploadLimits, who: 'a site' }, notice, (files) =>
        uploadBySsh(target.ssh, { files, address, pages: target.pages }, context),
      );
    }
    case 'server':
      return uploadToServer(upload, target.service, context);
    default:
      return unreachable(target);
  }
}

async function uploadToServer(
  { job, identity, record, files, artifacts }: JobUpload,
  service: SoilService,
  context: CommandContext,
): Promise<Result<readonly string[]>> {
  const { host } = identity;
  const notice = (text: string): void => {
    context.warn(`notice: ${text}`);
  };
  const urls = await uploadWithinLimits(service, { files, job, host, notice });
  if (!urls.ok) return urls;
  const { run, wwz, commit } = urls.value;
  const lines = [run, wwz, ...(commit === undefined ? [] : [commit])];
  for (const artifact of artifacts) {
    const { name } = artifact;
    if (record.commit === undefined)
      return refuse(`cannot publish artifact ${quote(name)}: the commit is unknown`);
    if (artifact.kind === 'missing') {
      if (isGreen(record.outcome ?? 'error'))
        return refuse(`cannot publish artifact ${quote(name)}: ${artifact.reason}`);
      context.warn(`notice: artifact ${quote(name)} is not published: ${artifact.reason}`);
      continue;
    }
    const content = await open(artifact.file, 'r');
    const uploaded = await uploadArtifact(service, {
      ...{ content, name, host, commit: record.commit },
    }).finally(() => content.close());
    if (uploaded.kind !== 'published') return refuse(uploaded.reason);
    lines.push(uploaded.artifact.url);
  }
  const done = createDoneEvent(createEventBase(record, host, job), record.status ?? 125);
  const sent = await sendDone(service, done);
  if (!sent.ok) return sent;
  if (!sent.value.statusWritten) {
    context.warn(
      `notice: the status API was not updated, so maybe-merge will not count this job: ${sent.value.reason ?? ''}`,
    );
  }
  return accept(lines);
}

/** Returns the URLs at which the server will show a job. */
export function resultUrls(identity: JobIdentity, commit: JobRecord['commit'], server: URL): ResultUrls {
  const at = (path: string): string => new URL(path, server).href;
  const address = addressOf(identity);
  return {
    run: at(runPage(address)),
    record: at(jobFile(address, 'json')),
    wwz: at(jobFile(address, 'wwz')),
    ...(commit !== undefined && { commit: at(commitPage(identity.host, commit)) }),
  };
}

/** Reports whether a path exists. */
export const fileExists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );
