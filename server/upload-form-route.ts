/** `POST /wwup.cgi`: the form that Soil's shell clients send with `curl --form`; plain text answers, no hook runs anything. */
import { readFile } from 'node:fs/promises';
import { parseJobName, parseRunId, type JobName, type RunId, type WorkerHost } from '../model/name.js';
import { parseHostFolder, parseJobFile, parseRunFolder, type RecordSuffix } from '../model/path.js';
import { quote } from '../model/result.js';
import { splitFolder } from '../model/run.js';
import { parseExitStatus } from '../model/status.js';
import { authorize } from './authorization.js';
import type { Ask, Reply } from './exchange.js';
import type { StagedFiles } from './job-store.js';
import { answer, refuseWith, type Answered } from './refusal.js';
import { acceptJob, limitOf } from './results-route.js';
import { receiveForm, type StagedFile, type StagedUpload } from './staged-upload.js';

const payloadTypes = 'github-jobs, sourcehut-jobs, local-jobs, status-api';
const hooks = ['soil-event-job-done', 'soil-cleanup-status-api'];
/** A status file is one number. */
const statusBytes = 100;

export async function postUploadForm(ask: Ask): Promise<Answered<Reply>> {
  const { limits, site } = ask;
  // Whoever may not append anything need not send a body first.
  const allowed = await authorize(ask.request.headers, { action: 'append' }, ask.keeper);
  if (!allowed.ok) return allowed;
  const upload = await receiveForm(ask.request, {
    staging: site.privates.staging,
    limits,
    fileLimit: (field, clientName) => {
      if (!/^file[1-3]$/.test(field)) return undefined;
      return limitOf(/\.(json|tsv|wwz)$/.exec(clientName)?.[1] ?? '', limits) ?? statusBytes;
    },
    maxFiles: 3,
  });
  if (!upload.ok) return upload;
  try {
    const { fields } = upload.value;
    const hook = fields.get('run-hook');
    if (hook !== undefined) return answerHook(hook);
    const type = fields.get('payload-type') ?? '';
    return type === 'status-api'
      ? await acceptStatus(ask, upload.value)
      : await acceptFiles(ask, type, upload.value);
  } finally {
    await upload.value.discard();
  }
}

/** Pages are up to date already when an upload is answered: both hooks have nothing left to do. */
function answerHook(hook: string): Answered<Reply> {
  if (hooks.includes(hook)) return answer({ status: 200, body: `${hook}: nothing left to do\n` });
  return refuseWith(400, `cannot accept run-hook ${quote(hook)}: it must be one of ${hooks.join(', ')}`);
}

/** wwz, TSV and JSON of one job; the files' names carry the job's. */
async function acceptFiles(ask: Ask, type: string, upload: StagedUpload): Promise<Answered<Reply>> {
  const host = parseHostFolder(type);
  if (!host.ok) {
    return refuseWith(400, `cannot accept payload-type ${quote(type)}: it must be one of ${payloadTypes}`);
  }
  const subdir = upload.fields.get('subdir') ?? '';
  const folder = parseRunFolder(host.value, subdir);
  if (!folder.ok) return refuseWith(400, `subdir: ${folder.error}`);
  const staged: Partial<Record<RecordSuffix, string>> = {};
  let job: JobName | undefined;
  for (const file of upload.files) {
    const named = parseJobFile(file.clientName);
    if (!named.ok) return refuseWith(400, `${file.field}: ${named.error}`);
    job ??= named.value.job;
    if (named.value.job !== job) return refuseWith(400, `${file.field}: cannot accept two jobs in one form`);
    if (staged[named.value.suffix] !== undefined)
      return refuseWith(400, `${file.field}: cannot accept two files of one kind`);
    staged[named.value.suffix] = file.path;
  }
  const { json } = staged;
  if (json === undefined || job === undefined) {
    return refuseWith(
      400,
      'cannot accept the upload: JOB.json is missing; send JOB.wwz, JOB.tsv and JOB.json in one form',
    );
  }
  const scope = { action: 'append', host: host.value, job } as const;
  const allowed = await authorize(ask.request.headers, scope, ask.keeper);
  if (!allowed.ok) return allowed;
  const agreed = await checkSubdir({ ...staged, json }, host.value, folder.value.name);
  if (!agreed.ok) return agreed;
  const accepted = await acceptJob(ask, { ...staged, json }, { host: host.value, job });
  return accepted.ok
    ? answer({ status: 200, body: `${(accepted.value.body as { record: string }).record}\n` })
    : accepted;
}

/** The folder that the form names must be the record's own: nobody puts a job into another run's folder. */
async function checkSubdir(
  staged: StagedFiles,
  host: WorkerHost,
  subdir: string,
): Promise<Answered<undefined>> {
  const key = { github: 'GITHUB_RUN_NUMBER', sourcehut: 'JOB_ID', local: 'SOIL_RUN' }[host];
  let value: unknown;
  try {
    value = (JSON.parse(await readFile(staged.json, 'utf8')) as Record<string, unknown>)[key];
  } catch {
    return answer(undefined); // the record's own parser says it better
  }
  const run = splitFolder({ host, name: subdir as never }).run;
  return typeof value === 'string' && value !== '' && value !== subdir && value !== run
    ? refuseWith(400, `cannot accept subdir ${quote(subdir)}: the record's ${key} is ${quote(value)}`)
    : answer(undefined);
}

/** `subdir` is `github/RUN_ID`; the file's name is the job's, its text the status. It must be what the record says. */
async function acceptStatus(ask: Ask, upload: StagedUpload): Promise<Answered<Reply>> {
  const subdir = upload.fields.get('subdir') ?? '';
  const [top = '', runText = '', ...more] = subdir.split('/');
  const host = parseHostFolder(top.endsWith('-jobs') ? top : `${top}-jobs`);
  const run = parseRunId(runText, 'subdir');
  if (!host.ok || !run.ok || more.length > 0) {
    return refuseWith(400, `cannot accept subdir ${quote(subdir)}: it must be github/RUN_ID or the like`);
  }
  for (const file of upload.files) {
    const written = await acceptStatusFile(ask, file, host.value, run.value);
    if (!written.ok) return written;
  }
  return answer({ status: 200, body: `status of ${upload.files.length} job(s)\n` });
}

async function acceptStatusFile(
  ask: Ask,
  file: StagedFile,
  host: WorkerHost,
  run: RunId,
): Promise<Answered<undefined>> {
  const job = parseJobName(file.clientName, file.field);
  if (!job.ok) return refuseWith(400, job.error);
  const scope = { action: 'status', host, job: job.value } as const;
  const allowed = await authorize(ask.request.headers, scope, ask.keeper);
  if (!allowed.ok) return allowed;
  const text = (await readFile(file.path, 'utf8')).trim();
  const status = parseExitStatus(text.split(/\s/)[0] ?? '', `status of ${job.value}`);
  if (!status.ok) return refuseWith(400, status.error);
  return ask.site.addEvent({
    ...{ name: 'done', host, job: job.value, status: status.value, updateStatusApi: true, expectedJobs: [] },
    ...{ attempt: 1, ...(host === 'sourcehut' ? { jobId: run } : { runId: run }) },
  });
}
