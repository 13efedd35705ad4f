/** `POST /results?jobName=J&workerHost=H`: a multipart form with wwz, tsv and json -> a stored job. */
import { basename } from 'node:path';
import { parseJobName, parseWorkerHost, type JobName } from '../../model/name.js';
import {
  commitPage,
  jobFile,
  parseJobFile,
  recordSuffixes,
  runFolder,
  type RecordSuffix,
} from '../../model/path.js';
import { identityOf } from '../../model/record.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { json, problem, type HttpResponse } from '../http/response.js';
import { receiveForm, type FilePart, type FilePlan } from '../upload/multipart-reader.js';
import type { StoreJobResult } from '../site/job-store.js';
import type { ServerLimits } from '../config/limits.js';
import { jobDestination, type JobDestination } from '../state/job-destination.js';
import { authorize, afterPages, type Route, type RouteContext, reservationOf } from './route-context.js';
import { checkStaged, stagedFile, type StagedJob } from '../store/staged-job.js';
import { withReservation } from '../upload/with-reservation.js';

export const postResults: Route = async (call, context) => {
  const asked = parseAsked(call.query);
  if (!asked.ok) return problem(400, asked.error);
  const { host, job } = asked.value;
  const admitted = await authorize(call, context, { action: 'append', host, job });
  if (!admitted.ok) return admitted.answer;
  const { limits } = context;
  return withReservation(call.request, reservationOf(context, limits.bodyBytes), async (folder, room) => {
    const plan = jobFilePlanner(folder, limits, (field) => recordSuffixes.find((s) => s === field));
    call.sendContinue();
    const form = await receiveForm(call.request, { plan: plan.take, limits, room });
    if (!form.ok) return form.answer;
    context.metrics.add('soil_upload_bytes', {}, form.bytes);
    if (plan.job() !== undefined && plan.job() !== job) {
      return problem(400, `cannot accept files of job ${quote(plan.job() ?? '')}: jobName is ${quote(job)}`);
    }
    const { digests } = form;
    const stored = await storeStaged(
      folder,
      {
        job,
        digests,
        place: ({ record }) => {
          const identity = identityOf(record, { host, job });
          return identity.ok ? accept(jobDestination(identity.value)) : identity;
        },
      },
      context,
    );
    if (!stored.ok) return stored.answer;
    if (stored.value.kind === 'new') room.commit(form.bytes);
    return jobAnswer(stored.value);
  });
};

function parseAsked(query: URLSearchParams) {
  const job = parseJobName(query.get('jobName') ?? '', 'jobName');
  if (!job.ok) return job;
  const host = parseWorkerHost(query.get('workerHost') ?? '', 'workerHost');
  return host.ok ? accept({ job: job.value, host: host.value }) : host;
}

/** A 400 for an upload that was whole and is not good. */
function rejected({ metrics }: RouteContext, sentence: string): HttpResponse {
  metrics.add('soil_uploads', { result: 'rejected' });
  return problem(400, sentence);
}

export interface JobFilePlanner {
  readonly take: (part: FilePart) => Result<FilePlan>;
  /** whose the files are, by their names; undefined while no file has one */
  readonly job: () => JobName | undefined;
  readonly suffixes: ReadonlySet<RecordSuffix>;
}

/**
 * Says where each file of a job goes, by the form's field (`wwz`, `tsv`, `json`) or else by the file's own name
 * (`file1` to `file3`, as Soil's shell clients have it). A file's name is a name: one with a path in it is refused, and
 * so is a second file of the same kind.
 */
export function jobFilePlanner(
  folder: string,
  limits: ServerLimits,
  byField: (field: string) => RecordSuffix | undefined,
): JobFilePlanner {
  const suffixes = new Set<RecordSuffix>();
  let job: JobName | undefined;
  const maxBytes = { wwz: limits.wwzBytes, tsv: limits.tsvBytes, json: limits.jsonBytes };
  const take = ({ field, fileName }: FilePart): Result<FilePlan> => {
    const named = byField(field);
    if (named === undefined && !/^file[123]$/.test(field)) {
      return refuse(`cannot accept file field ${quote(field)}: it must be wwz, tsv, json, or file1 to file3`);
    }
    const file = parseFileName(fileName ?? '');
    if (!file.ok) return file;
    if (named !== undefined && file.value.suffix !== named) {
      return refuse(
        `cannot accept file ${quote(fileName ?? '')} as ${named}: its name must end in .${named}`,
      );
    }
    const { suffix } = file.value;
    if (suffixes.has(suffix)) return refuse(`cannot accept a second ${suffix}: the form has one already`);
    if (job !== undefined && job !== file.value.job) {
      return refuse(`cannot accept file ${quote(fileName ?? '')}: the form has files of job ${quote(job)}`);
    }
    job = file.value.job;
    suffixes.add(suffix);
    return accept({ path: stagedFile(folder, suffix), maxBytes: maxBytes[suffix] });
  };
  return { take, job: () => job, suffixes };
}

/** Strict about what a name may be: on some systems a backslash is a path too. */
function parseFileName(name: string) {
  if (basename(name) !== name || name.includes('\\')) {
    return refuse(`cannot accept file ${quote(name)}: its name has a path in it`);
  }
  return parseJobFile(name);
}

export type StoreResult =
  { readonly ok: true; readonly value: NewOrSame } | { readonly ok: false; readonly answer: HttpResponse };
type NewOrSame = Exclude<StoreJobResult, { readonly kind: 'conflict' }>;

/** A job whose files were received. */
interface SentJob {
  readonly job: JobName;
  /** of the received files, by path */
  readonly digests: ReadonlyMap<string, string>;
  /** where the job belongs, as its record says */
  readonly place: (staged: StagedJob) => Result<JobDestination>;
}

/** Checks a job's files, stores them and waits for its pages; 400 for what is bad, 409 where other bytes are there. */
export async function storeStaged(
  folder: string,
  { job, digests, place }: SentJob,
  context: RouteContext,
): Promise<StoreResult> {
  const { site, limits, metrics } = context;
  const result = await site.trackUpload(async () => {
    const wwzDigest = digests.get(stagedFile(folder, 'wwz'));
    const staged = await checkStaged(folder, { job, wwzDigest }, limits);
    if (!staged.ok) return staged;
    const inTime = refuseFuture(staged.value, context.now());
    if (!inTime.ok) return inTime;
    const placement = place(staged.value);
    return placement.ok ? site.store(placement.value, staged.value) : refuse(`json: ${placement.error}`);
  });
  if (!result.ok) return { ok: false, answer: rejected(context, result.error) };
  const { stored, shown } = result.value;
  metrics.add('soil_uploads', { result: stored.kind });
  if (stored.kind === 'conflict') {
    const sentence = `cannot store ${quote(stored.path)}: it is there already with other bytes, and nothing is overwritten`;
    return { ok: false, answer: problem(409, sentence) };
  }
  await afterPages(shown, context);
  return { ok: true, value: stored };
}

/** What began after everything else is the newest of its branch: a clock that is wrong would make it so for years. */
function refuseFuture({ record: { startTime } }: StagedJob, now: number): Result<true> {
  if (startTime === undefined || startTime <= now + aheadSeconds) return accept(true);
  const text = quote(new Date(startTime * 1000).toISOString());
  return refuse(
    `json: cannot accept task-run-start-time ${text}: it is more than a day ahead of this server's clock`,
  );
}

const aheadSeconds = 86_400;

/** Where everything is, relative to the site; 201 for what is new, 200 for what was there. */
function jobAnswer(stored: NewOrSame): HttpResponse {
  return json(stored.kind === 'new' ? 201 : 200, { ...urlsOf(stored) });
}

export function urlsOf({ address, commit }: NewOrSame): Readonly<Record<string, string>> {
  return {
    record: jobFile(address, 'json'),
    wwz: `${jobFile(address, 'wwz')}/`,
    run: `${runFolder(address)}/`,
    ...(commit !== undefined && { commit: commitPage(address.host, commit) }),
  };
}
