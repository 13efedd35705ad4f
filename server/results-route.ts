/** `POST /results?jobName=J&workerHost=H`: wwz, TSV and JSON of a job in one form. */
import { parseJobName, parseWorkerHost } from '../model/name.js';
import { commitPage, jobFile, runFolder, type RecordSuffix } from '../model/path.js';
import type { JobRecord } from '../model/record.js';
import type { JobAddress } from '../model/run.js';
import { admitJob, type Asked } from './admission.js';
import { authorize } from './authorization.js';
import type { Ask, Reply } from './exchange.js';
import type { StagedFiles } from './job-store.js';
import type { Limits } from './limits.js';
import { answer, refuseWith, type Answered } from './refusal.js';
import { receiveForm, type StagedUpload } from './staged-upload.js';

const fields: readonly RecordSuffix[] = ['wwz', 'tsv', 'json'];

export const limitOf = (suffix: string, limits: Limits): number | undefined => {
  switch (suffix) {
    case 'wwz':
      return limits.wwzBytes;
    case 'tsv':
      return limits.tsvBytes;
    case 'json':
      return limits.jsonBytes;
    default:
      return undefined;
  }
};

export async function postResults(ask: Ask): Promise<Answered<Reply>> {
  const { query, keeper, limits, site } = ask;
  const job = parseJobName(query.get('jobName') ?? '', 'jobName');
  if (!job.ok) return refuseWith(400, job.error);
  const host = parseWorkerHost(query.get('workerHost') ?? '', 'workerHost');
  if (!host.ok) return refuseWith(400, host.error);
  const asked = { host: host.value, job: job.value };
  const allowed = await authorize(ask.request.headers, { action: 'append', ...asked }, keeper);
  if (!allowed.ok) return allowed;
  const upload = await receiveForm(ask.request, {
    staging: site.privates.staging,
    limits,
    fileLimit: (field) => limitOf(field, limits),
    maxFiles: fields.length,
  });
  if (!upload.ok) return upload;
  try {
    const staged = stagedFiles(upload.value);
    return staged.ok ? await acceptJob(ask, staged.value, asked) : staged;
  } finally {
    await upload.value.discard();
  }
}

function stagedFiles(upload: StagedUpload): Answered<StagedFiles> {
  const paths = Object.fromEntries(upload.files.map((file) => [file.field, file.path]));
  const { json } = paths;
  if (json === undefined) return refuseWith(400, 'cannot accept the upload: the file json is missing');
  return answer({ ...paths, json });
}

/** Checks a job's staged files, stores them, and answers where they are to be seen. */
export async function acceptJob(ask: Ask, staged: StagedFiles, asked: Asked): Promise<Answered<Reply>> {
  const admitted = await admitJob(staged, asked, ask.limits);
  if (!admitted.ok) return admitted;
  const added = await ask.site.addJob(admitted.value, staged);
  if (!added.ok) return added;
  if (added.value.isNew) ask.metrics.count('uploads');
  return answer({
    status: added.value.isNew ? 201 : 200,
    body: addressesOf(added.value.address, admitted.value.record),
  });
}

/** Paths of the site, relative to the server. */
function addressesOf(address: JobAddress, record: JobRecord): Record<string, string> {
  return {
    record: jobFile(address, 'json'),
    wwz: `${jobFile(address, 'wwz')}/`,
    run: `${runFolder(address)}/`,
    ...(record.commit === undefined ? {} : { commit: commitPage(address.host, record.commit) }),
  };
}
