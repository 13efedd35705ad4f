/** A finished job's files and record -> the server or the folder over SSH; the addresses of all that was sent come back. */
import { access, readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { fileFault } from '../../model/file-fault.js';
import type { JobName } from '../../model/name.js';
import { isGreen } from '../../model/outcome.js';
import { commitPage, jobFile, runPage } from '../../model/path.js';
import { identityOf, type JobRecord } from '../../model/record.js';
import { parseRecord } from '../../model/record-reader.js';
import { accept, quote, refuse, unreachable, type Result } from '../../model/result.js';
import { addressOf, type JobIdentity } from '../../model/run.js';
import { publishArtifact } from './upload-artifact.js';
import type { CommandContext } from '../system/command-context.js';
import { planDone, planEventBase } from './job-event.js';
import { jobFilePaths } from '../record/out-folder.js';
import type { JobFiles } from '../record/progress.js';
import { publishEnd, publishFiles, type PublishedUrls } from './upload-results.js';
import type { PublishTarget } from './publish-target.js';
import type { SoilService } from '../client/soil-server.js';

/** A job as its files tell of it. */
export interface StoredJob {
  readonly job: JobName;
  readonly identity: JobIdentity;
  readonly record: JobRecord;
  readonly files: JobFiles;
  /** absolute paths */
  readonly artifacts: readonly string[];
}

/** Sends it all: files, artifacts, the end. */
export async function sendStored(
  stored: StoredJob,
  target: PublishTarget,
  context: CommandContext,
): Promise<Result<readonly string[]>> {
  switch (target.kind) {
    case 'ssh': {
      const { publishBySsh } = await import('./ssh-publish.js');
      const upload = { files: stored.files, address: addressOf(stored.identity) };
      return publishBySsh(target.ssh, { ...upload, pages: target.pages }, context);
    }
    case 'server':
      return sendToServer(stored, target.service, context);
    default:
      return unreachable(target);
  }
}

async function sendToServer(
  { job, identity, record, files, artifacts }: StoredJob,
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
      return refuse(`cannot publish artifact ${quote(name)}: the commit is not known`);
    if (!(await isThere(file)) && !isGreen(record.outcome ?? 'error')) {
      context.warn(`notice: artifact ${quote(name)} was not made`);
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
      `notice: the status API was not told, so that no gate will count this job: ${ended.value.reason ?? ''}`,
    );
  }
  return accept(lines);
}

const urlLines = ({ run, wwz, commit }: PublishedUrls): string[] => [
  run,
  wwz,
  ...(commit === undefined ? [] : [commit]),
];

/** Where the server will show a job, as far as its identity tells. */
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

/** What an earlier `run` left in its folder. */
export async function readStored(
  folder: string,
  job: JobName,
): Promise<Result<Omit<StoredJob, 'artifacts'>>> {
  const files = jobFilePaths(folder, job);
  let text: string;
  try {
    text = await readFile(files.json, 'utf8');
  } catch (error) {
    return refuse(
      `cannot publish job ${quote(job)}: ${quote(files.json, 300)}: ${fileFault(error)}; has it run?`,
    );
  }
  const record = parseRecord(text);
  if (!record.ok) return refuse(`${files.json}: ${record.error}`);
  const identity = identityOf(record.value, { job });
  return identity.ok ? accept({ job, identity: identity.value, record: record.value, files }) : identity;
}

export const isThere = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );
