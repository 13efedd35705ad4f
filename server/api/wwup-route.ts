/**
 * `POST /wwup.cgi`: accepts the forms that Soil's shell clients send with `curl --form`, so that they work unchanged.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  parseJobName,
  parseRunId,
  parseWorkerHost,
  type JobName,
  type WorkerHost,
} from '../../model/name.js';
import { parseHostFolder } from '../../model/path.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { parseLocalRun } from '../../model/run.js';
import { parseExitStatus } from '../../model/status.js';
import { checkPermission, type AccessRefusal } from '../auth/authenticate.js';
import type { StoredToken, TokenAction } from '../auth/token.js';
import { problem, text, type HttpResponse } from '../http/response.js';
import { jobDestinationIn } from '../state/job-destination.js';
import { storePartial, linkPartial } from '../store/partial-upload.js';
import type { StagedJob } from '../store/staged-job.js';
import { readForm, type FilePart, type FilePlan } from '../upload/multipart-reader.js';
import { planJobFiles, type JobFilePlan } from './job-file-plan.js';
import { refusalResponse } from './refusal-response.js';
import { authorize, receiveUpload, type Route, type RouteContext } from './route-context.js';
import { storeUpload, urlsOf } from './store-upload.js';

export const getWwup: Route = () => Promise.resolve(text(200, usage));

const usage = `wwup.cgi accepts uploads of Soil's shell clients, with a token as the password of HTTP Basic:

  curl --form payload-type=github-jobs --form subdir=1234 \\
    --form file1=@JOB.wwz --form file2=@JOB.tsv --form file3=@JOB.json URL
  curl --form payload-type=status-api --form subdir=github/GITHUB_RUN_ID --form file1=@JOB.status.txt URL
  curl --form run-hook=soil-event-job-done --form arg1=github- --form arg2=1234 URL
`;

/** A form that was received and whose fields were parsed. */
interface WwupForm {
  readonly digests: ReadonlyMap<string, string>;
  readonly fields: ReadonlyMap<string, string>;
  readonly token: StoredToken;
  readonly folder: string;
  readonly files: JobFilePlan;
  /** the name of the form's status file, if any */
  readonly statusFile: string | undefined;
  /** commits the reservation, since the files are stored */
  readonly commit: () => void;
}

export const postWwup: Route = async (request, context) => {
  // Which permission is needed depends on the fields of the form. Only one that appends is large.
  const token = await authorize(request, context);
  if (!token.ok) return asText(refusalResponse(token.error));
  const { limits } = context;
  const mayAppend = checkPermission(token.value, { action: 'append' });
  const maxBytes = mayAppend.ok ? limits.bodyBytes : Math.min(limits.bodyBytes, limits.eventBytes);
  const isLarge = Number(request.message.headers['content-length'] ?? '0') > maxBytes;
  if (!mayAppend.ok && (isLarge || token.value.actions.every((action) => !formActions.includes(action)))) {
    return asText(refusalResponse(mayAppend.error));
  }
  const upload = { token: token.value, maxBytes };
  const response = await receiveUpload(request, context, upload, async (folder, reservation) => {
    let denied: AccessRefusal | undefined;
    const files = planJobFiles(folder, limits, () => undefined);
    let statusFile: string | undefined;
    // A file with another suffix is a status file. Whether the form may have one is checked when all fields are known.
    const plan = (part: FilePart): Result<FilePlan> => {
      const name = part.fileName ?? '';
      if (/\.(wwz|tsv|json)$/.test(name)) {
        const added = files.add(part);
        // Before the file is read. The host may be in a later field, and is checked when all are known.
        const job = files.job();
        const permitted = checkPermission(token.value, { action: 'append', ...(job && { job }) });
        if (permitted.ok || !added.ok) return added;
        denied = permitted.error;
        return refuse(permitted.error.reason);
      }
      if (statusFile !== undefined) {
        return refuse(`cannot accept file ${quote(name)}: the form already has a status file`);
      }
      const job = parseStatusFileName(name);
      if (!job.ok) return job;
      statusFile = name;
      return accept({ path: join(folder, 'status'), maxBytes: limits.fieldBytes });
    };
    request.sendContinue();
    const form = await readForm(request.message, {
      ...{ plan, reservation },
      limits: { ...limits, bodyBytes: maxBytes },
    });
    if (!form.ok) return refusalResponse(denied ?? form.error);
    const { bytes, digests } = form.value;
    context.metrics.add('soil_upload_bytes', {}, bytes);
    const fields = parseFields(form.value.fields);
    if (!fields.ok) return problem(400, fields.error);
    const commit = (): void => {
      reservation.commit(bytes);
    };
    return acceptForm(
      { fields: fields.value, token: token.value, folder, files, digests, statusFile, commit },
      context,
    );
  });
  return asText(response);
};

/** Returns a problem as plain text, regardless of `Accept`: these clients print it. */
function asText(response: HttpResponse): HttpResponse {
  return response.kind === 'problem'
    ? {
        ...text(response.status, `${response.message}\n`),
        ...(response.headers && { headers: response.headers }),
      }
    : response;
}

/** What a form without a job can need. */
const formActions: readonly TokenAction[] = ['event', 'status'];

const fieldNames = ['payload-type', 'subdir', 'run-hook', 'arg1', 'arg2', 'arg3'];

function parseFields(pairs: readonly (readonly [string, string])[]): Result<ReadonlyMap<string, string>> {
  const fields = new Map<string, string>();
  for (const [name, value] of pairs) {
    if (!fieldNames.includes(name)) {
      return refuse(
        `cannot accept field ${quote(name)}: it must be one of ${fieldNames.join(', ')}, file1 to file3`,
      );
    }
    if (fields.has(name)) return refuse(`cannot accept field ${quote(name)}: duplicate field`);
    fields.set(name, value);
  }
  return accept(fields);
}

function acceptForm(form: WwupForm, context: RouteContext): Promise<HttpResponse> {
  const hook = form.fields.get('run-hook');
  if (hook !== undefined) return runHook(hook, form, context);
  const type = form.fields.get('payload-type') ?? '';
  switch (type) {
    case 'status-api':
      return storeStatus(form, context);
    case 'github-jobs':
    case 'sourcehut-jobs':
    case 'srht-jobs':
    case 'local-jobs':
      return storeJob(type, form, context);
    default:
      return Promise.resolve(
        problem(
          400,
          `cannot accept payload-type ${quote(type)}: it must be one of github-jobs, sourcehut-jobs, local-jobs, status-api`,
        ),
      );
  }
}

/** Runs no program: this server has already done what the hooks of Soil's shell and Python server did. */
async function runHook(hook: string, { token }: WwupForm, { site }: RouteContext): Promise<HttpResponse> {
  switch (hook) {
    case 'soil-event-job-done': {
      const permitted = checkPermission(token, { action: 'event' });
      if (!permitted.ok) return refusalResponse(permitted.error);
      await site.pagesIdle();
      return text(200, 'The pages show every job that was stored.\n');
    }
    case 'soil-cleanup-status-api':
      return text(200, 'Nothing to clean up: this server keeps the status API.\n');
    default:
      return problem(
        400,
        `cannot run hook ${quote(hook)}: it must be soil-event-job-done or soil-cleanup-status-api`,
      );
  }
}

async function storeJob(type: string, form: WwupForm, context: RouteContext): Promise<HttpResponse> {
  const host = parseHostFolder(type);
  const job = form.files.job();
  if (!host.ok) return problem(400, host.error);
  if (job === undefined || form.statusFile !== undefined) {
    return problem(400, `cannot accept the upload: a form of ${type} has JOB.wwz, JOB.tsv and JOB.json`);
  }
  const permitted = checkPermission(form.token, { action: 'append', host: host.value, job });
  if (!permitted.ok) return refusalResponse(permitted.error);
  const subdir = form.fields.get('subdir') ?? '';
  const run = parseRunId(subdir, 'subdir');
  if (!run.ok) return problem(400, run.error);
  const address = { host: host.value, name: run.value, job };
  const { partial } = context.paths;
  const own = { sender: form.token.id, ...address };
  if (!form.files.suffixes.has('json')) {
    const { limits, now } = context;
    const kept = await storePartial(partial, own, form, { limits, now: now() });
    if (!kept.ok) return problem(429, kept.error, { 'Retry-After': '600' });
    form.commit();
    return text(200, `Kept until ${job}.json arrives: ${[...form.files.suffixes].sort().join(', ')}\n`);
  }
  const forget = await linkPartial(partial, own, form);
  const { folder, digests } = form;
  const destination = ({ record }: StagedJob) => jobDestinationIn(host.value, subdir, { job, record });
  const stored = await storeUpload(folder, { job, sender: form.token, digests, destination }, context);
  if (!stored.ok) return refusalResponse(stored.error);
  if (stored.value.kind === 'new') form.commit();
  await forget();
  return text(200, `Stored.\n${Object.values(urlsOf(stored.value)).join('\n')}\n`);
}

/** Stores a status. It is the first word of the file. Refuses one that contradicts the job's record. */
async function storeStatus(form: WwupForm, context: RouteContext): Promise<HttpResponse> {
  const { statusFile } = form;
  if (statusFile === undefined || form.files.job() !== undefined) {
    return problem(400, 'cannot accept the upload: a form of status-api has one file, JOB.status.txt');
  }
  const line = parseStatusAddress(form.fields.get('subdir') ?? '', statusFile);
  if (!line.ok) return problem(400, line.error);
  const { host, run, job } = line.value;
  const permitted = checkPermission(form.token, { action: 'status', host, job });
  if (!permitted.ok) return refusalResponse(permitted.error);
  const [word = ''] = (await readFile(join(form.folder, 'status'), 'utf8')).trim().split(/\s+/);
  const status = parseExitStatus(word, `the status in ${statusFile}`);
  if (!status.ok) return problem(400, status.error);
  const written = await context.site.writeStatus({
    ...{ host, run, job, status: status.value, sender: form.token },
  });
  if (!written.ok) return problem(409, written.error);
  const { path, note } = written.value;
  return text(200, `${path}\n${note === undefined ? '' : `${note}\n`}`);
}

function parseStatusAddress(subdir: string, fileName: string) {
  const [hostText = '', runText = '', ...more] = subdir.split('/');
  if (more.length > 0) {
    return refuse(`cannot accept subdir ${quote(subdir)}: it must be HOST/RUN`);
  }
  const host: Result<WorkerHost> = parseWorkerHost(hostText, 'host in subdir');
  if (!host.ok) return host;
  const parseRun = host.value === 'local' ? parseLocalRun : parseRunId;
  const run = parseRun(runText, 'run in subdir');
  if (!run.ok) return run;
  const job = parseStatusFileName(fileName);
  return job.ok ? accept({ host: host.value, run: run.value, job: job.value }) : job;
}

/** Parses `JOB.status.txt`, as the clients name it, or only `JOB`. */
function parseStatusFileName(name: string): Result<JobName> {
  return parseJobName(name.replace(/\.status\.txt$/, ''), 'file');
}
