/** `POST /wwup.cgi`: the forms that Soil's shell clients send with `curl --form`, so that they need no change. */
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
import { problem, text, type HttpResponse } from '../http/response.js';
import { receiveForm, type FilePart, type FilePlan } from '../upload/multipart-reader.js';
import { keepPartial, takePartial } from '../store/partial-upload.js';
import { jobDestinationIn } from '../state/job-destination.js';
import { jobFilePlanner, storeStaged, urlsOf, type JobFilePlanner } from './results-route.js';
import { authorize, forbid, type Route, type RouteContext, reservationOf } from './route-context.js';
import type { StagedJob } from '../store/staged-job.js';
import type { StoredToken } from '../auth/token.js';
import { withReservation } from '../upload/with-reservation.js';

export const getWwup: Route = () => Promise.resolve(text(200, usage));

const usage = `wwup.cgi takes what Soil's shell clients send, with a token as the password of HTTP Basic:

  curl --form payload-type=github-jobs --form subdir=1234 \\
    --form file1=@JOB.wwz --form file2=@JOB.tsv --form file3=@JOB.json URL
  curl --form payload-type=status-api --form subdir=github/GITHUB_RUN_ID --form file1=@JOB.status.txt URL
  curl --form run-hook=soil-event-job-done --form arg1=github- --form arg2=1234 URL
`;

/** What a form asked for, once its fields are known. */
interface WwupCall {
  readonly digests: ReadonlyMap<string, string>;
  readonly fields: ReadonlyMap<string, string>;
  readonly token: StoredToken;
  readonly folder: string;
  readonly files: JobFilePlanner;
  /** the name of a status file, where the form had one */
  readonly statusFile: () => string | undefined;
  /** what was sent stays in the site */
  readonly keep: () => void;
}

export const postWwup: Route = async (call, context) => {
  // Which action it is, only the form's fields tell.
  const admitted = await authorize(call, context);
  if (!admitted.ok) return plain(admitted.answer);
  const { limits } = context;
  return withReservation(call.request, reservationOf(context, limits.bodyBytes), async (folder, room) => {
    const files = jobFilePlanner(folder, limits, () => undefined);
    let statusFile: string | undefined;
    // Status files have no suffix of Soil's; whether one may be in this form is known when all fields are.
    const plan = (part: FilePart): Result<FilePlan> => {
      const name = part.fileName ?? '';
      if (/\.(wwz|tsv|json)$/.test(name)) return files.take(part);
      if (statusFile !== undefined)
        return refuse(`cannot accept file ${quote(name)}: one status file is enough`);
      const job = parseStatusFileName(name);
      if (!job.ok) return job;
      statusFile = name;
      return accept({ path: join(folder, 'status'), maxBytes: limits.fieldBytes });
    };
    call.sendContinue();
    const form = await receiveForm(call.request, { plan, limits, room });
    if (!form.ok) return plain(form.answer);
    context.metrics.add('soil_upload_bytes', {}, form.bytes);
    const fields = parseFields(form.fields);
    if (!fields.ok) return plain(problem(400, fields.error));
    const { token } = admitted;
    const keep = (): void => {
      room.commit(form.bytes);
    };
    const { digests } = form;
    return plain(
      await answer(
        { fields: fields.value, token, folder, files, digests, statusFile: () => statusFile, keep },
        context,
      ),
    );
  });
};

/** These clients show the answer to people: one sentence, as text. */
function plain(answer: HttpResponse): HttpResponse {
  return answer.kind === 'problem'
    ? { ...text(answer.status, `${answer.sentence}\n`), ...(answer.headers && { headers: answer.headers }) }
    : answer;
}

const fieldNames = ['payload-type', 'subdir', 'run-hook', 'arg1', 'arg2', 'arg3'];

function parseFields(pairs: readonly (readonly [string, string])[]): Result<ReadonlyMap<string, string>> {
  const fields = new Map<string, string>();
  for (const [name, value] of pairs) {
    if (!fieldNames.includes(name)) {
      return refuse(
        `cannot accept field ${quote(name)}: it must be one of ${fieldNames.join(', ')}, file1 to file3`,
      );
    }
    if (fields.has(name)) return refuse(`cannot accept field ${quote(name)}: it stands twice`);
    fields.set(name, value);
  }
  return accept(fields);
}

function answer(call: WwupCall, context: RouteContext): Promise<HttpResponse> {
  const hook = call.fields.get('run-hook');
  if (hook !== undefined) return answerHook(hook, call, context);
  const type = call.fields.get('payload-type') ?? '';
  switch (type) {
    case 'status-api':
      return answerStatus(call, context);
    case 'github-jobs':
    case 'sourcehut-jobs':
    case 'srht-jobs':
    case 'local-jobs':
      return answerJob(type, call, context);
    default:
      return Promise.resolve(
        problem(
          400,
          `cannot accept payload-type ${quote(type)}: it must be one of github-jobs, sourcehut-jobs, local-jobs, status-api`,
        ),
      );
  }
}

/** No hook runs a program: what they once started has been done when the upload was answered. */
async function answerHook(hook: string, { token }: WwupCall, { site }: RouteContext): Promise<HttpResponse> {
  switch (hook) {
    case 'soil-event-job-done': {
      const refused = forbid(token, { action: 'event' });
      if (refused !== undefined) return refused;
      await site.pagesIdle();
      return text(200, 'The pages show every job that has arrived.\n');
    }
    case 'soil-cleanup-status-api':
      return text(200, 'The status API is kept: nothing to clean up.\n');
    default:
      return problem(
        400,
        `cannot run hook ${quote(hook)}: it must be soil-event-job-done or soil-cleanup-status-api`,
      );
  }
}

async function answerJob(type: string, call: WwupCall, context: RouteContext): Promise<HttpResponse> {
  const host = parseHostFolder(type);
  const job = call.files.job();
  if (!host.ok) return problem(400, host.error);
  if (job === undefined || call.statusFile() !== undefined) {
    return problem(400, `cannot accept the upload: a form of ${type} has JOB.wwz, JOB.tsv and JOB.json`);
  }
  const refused = forbid(call.token, { action: 'append', host: host.value, job });
  if (refused !== undefined) return refused;
  const subdir = call.fields.get('subdir') ?? '';
  const run = parseRunId(subdir, 'subdir');
  if (!run.ok) return problem(400, run.error);
  const address = { host: host.value, name: run.value, job };
  if (!call.files.suffixes.has('json')) {
    const kept = await keepPartial(context.paths.partial, address, call, context.limits);
    if (!kept.ok) return problem(503, kept.error, { 'Retry-After': '600' });
    call.keep();
    return text(200, `Kept until ${job}.json comes: ${[...call.files.suffixes].sort().join(', ')}\n`);
  }
  const forget = await takePartial(context.paths.partial, address, call);
  const { folder, digests } = call;
  const place = ({ record }: StagedJob) => jobDestinationIn(host.value, subdir, { job, record });
  const stored = await storeStaged(folder, { job, digests, place }, context);
  if (!stored.ok) return stored.answer;
  if (stored.value.kind === 'new') call.keep();
  await forget();
  return text(200, `Stored.\n${Object.values(urlsOf(stored.value)).join('\n')}\n`);
}

/** The file holds the job's status as its first word; a line that the stored record contradicts is refused. */
async function answerStatus(call: WwupCall, context: RouteContext): Promise<HttpResponse> {
  const fileName = call.statusFile();
  if (fileName === undefined || call.files.job() !== undefined) {
    return problem(400, 'cannot accept the upload: a form of status-api has one file, JOB.status.txt');
  }
  const target = parseStatusTarget(call.fields.get('subdir') ?? '', fileName);
  if (!target.ok) return problem(400, target.error);
  const { host, run, job } = target.value;
  const refused = forbid(call.token, { action: 'status', host, job });
  if (refused !== undefined) return refused;
  const [word = ''] = (await readFile(join(call.folder, 'status'), 'utf8')).trim().split(/\s+/);
  const status = parseExitStatus(word, `the status in ${fileName}`);
  if (!status.ok) return problem(400, status.error);
  const written = await context.site.writeStatus({ host, run, job, status: status.value });
  if (!written.ok) return problem(409, written.error);
  const { path, note } = written.value;
  return text(200, `${path}\n${note === undefined ? '' : `${note}\n`}`);
}

function parseStatusTarget(subdir: string, fileName: string) {
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

/** `JOB.status.txt`, as the clients send it, or just `JOB`. */
function parseStatusFileName(name: string): Result<JobName> {
  return parseJobName(name.replace(/\.status\.txt$/, ''), 'file');
}
