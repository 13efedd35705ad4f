/** `POST /results?jobName=J&workerHost=H`: stores a job from a multipart form with wwz, tsv and json. */
import { parseJobName, parseWorkerHost, type JobName, type WorkerHost } from '../../model/name.js';
import { recordSuffixes } from '../../model/path.js';
import { identityOf } from '../../model/record.js';
import { accept, quote, type Result } from '../../model/result.js';
import { json, problem } from '../http/response.js';
import { jobDestination } from '../state/job-destination.js';
import { readForm } from '../upload/multipart-reader.js';
import { planJobFiles } from './job-file-plan.js';
import { refusalResponse } from './refusal-response.js';
import { authorize, receiveUpload, type Route } from './route-context.js';
import { storeUpload, urlsOf } from './store-upload.js';

export const postResults: Route = async (request, context) => {
  const parsed = parseJobQuery(request.query);
  if (!parsed.ok) return problem(400, parsed.error);
  const { host, job } = parsed.value;
  const token = await authorize(request, context, { action: 'append', host, job });
  if (!token.ok) return refusalResponse(token.error);
  const { limits } = context;
  return receiveUpload(
    request,
    context,
    { token: token.value, maxBytes: limits.bodyBytes },
    async (folder, reservation) => {
      const files = planJobFiles(folder, limits, (field) => recordSuffixes.find((s) => s === field));
      request.sendContinue();
      const form = await readForm(request.message, { plan: files.add, limits, reservation });
      if (!form.ok) return refusalResponse(form.error);
      const { bytes, digests } = form.value;
      context.metrics.add('soil_upload_bytes', {}, bytes);
      const sent = files.job();
      if (sent !== undefined && sent !== job) {
        return problem(400, `cannot accept files of job ${quote(sent)}: jobName is ${quote(job)}`);
      }
      const stored = await storeUpload(
        folder,
        {
          job,
          sender: token.value,
          digests,
          destination: ({ record }) => {
            const identity = identityOf(record, { host, job });
            return identity.ok ? accept(jobDestination(identity.value)) : identity;
          },
        },
        context,
      );
      if (!stored.ok) return refusalResponse(stored.error);
      const isNew = stored.value.kind === 'new';
      if (isNew) reservation.commit(bytes);
      return json(isNew ? 201 : 200, { ...urlsOf(stored.value) });
    },
  );
};

/** Reads the job and the worker host of an upload. */
export function parseJobQuery(
  query: URLSearchParams,
): Result<{ readonly job: JobName; readonly host: WorkerHost }> {
  const job = parseJobName(query.get('jobName') ?? '', 'jobName');
  if (!job.ok) return job;
  const host = parseWorkerHost(query.get('workerHost') ?? '', 'workerHost');
  return host.ok ? accept({ job: job.value, host: host.value }) : host;
}
