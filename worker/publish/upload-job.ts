/** Uploads a finished job: its files, its artifacts, and the event that it is done. */
import { access } from 'node:fs/promises';
import { basename } from 'node:path';
import type { JobName } from '../../model/name.js';
import { isGreen } from '../../model/outcome.js';
import { commitPage, jobFile, runPage } from '../../model/path.js';
import type { JobRecord } from '../../model/record.js';
import { accept, quote, refuse, unreachable, type Result } from '../../model/result.js';
import { addressOf, type JobIdentity } from '../../model/run.js';
import { publishArtifact } from './upload-artifact.js';
import type { CommandContext } from '../system/command-context.js';
import { planDone, planEventBase } from './job-event.js';
import type { JobFiles } from '../record/progress.js';
import { publishEnd, publishFiles, type PublishedUrls } from './upload-results.js';
import type { PublishTarget } from './publish-target.js';
import type { SoilService } from '../client/soil-server.js';

/** What is uploaded of a job. */
export interface JobUpload {
  readonly job: JobName;
  readonly identity: JobIdentity;
  readonly record: JobRecord;
  readonly files: JobFiles;
  /** absolute paths */
  readonly artifacts: readonly string[];
}

/** Uploads a job to its target. Returns the addresses of what was uploaded: URLs, or paths on the SSH host. */
export async function uploadJob(
  upload: JobUpload,
  target: PublishTarget,
  context: CommandContext,
): Promise<Result<readonly string[]>> {
  switch (target.kind) {
    case 'ssh': {
      const { publishBySsh } = await import('./ssh-publish.js');
      const address = addressOf(upload.identity);
      return publishBySsh(target.ssh, { files: upload.files, address, pages: target.pages }, context);
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
  const urls = await publishFiles(service, { files, job, host });
  if (!urls.ok) return urls;
  const lines = [...urlLines(urls.value)];
  for (const file of artifacts) {
    const name = basename(file);
    if (record.commit === undefined)
      return refuse(`cannot publish artifact ${quote(name)}: the commit is unknown`);
    if (!(await isThere(file)) && !isGreen(record.outcome ?? 'error')) {
      context.warn(`notice: artifact ${quote(name)} does not exist`);
      continue;
    }
    const sent = await publishArtifact(service, { file, name, host, commit: record.commit });
    if (sent.kind !== 'published') return refuse(sent.reason);
    lines.push(sent.artifact.url);
  }
  const ended = await publishEnd(service, planDone(planEventBase(record, host, job), record.status ?? 125));
  if (!ended.ok) return ended;
  if (!ended.value.statusWritten) {
    context.warn(
      `notice: the status API was not updated, so no gate will count this job: ${ended.value.reason ?? ''}`,
    );
  }
  return accept(lines);
}

const urlLines = ({ run, wwz, commit }: PublishedUrls): string[] => [
  run,
  wwz,
  ...(commit === undefined ? [] : [commit]),
];

/** The URLs at which the server will show a job. */
export function plannedUrls(identity: JobIdentity, commit: JobRecord['commit'], server: URL): PublishedUrls {
  const at = (path: string): string => new URL(path, server).href;
  const address = addressOf(identity);
  return {
    run: at(runPage(address)),
    record: at(jobFile(address, 'json')),
    wwz: at(jobFile(address, 'wwz')),
    ...(commit !== undefined && { commit: at(commitPage(identity.host, commit)) }),
  };
}

/** True if a path exists. */
export const isThere = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );
