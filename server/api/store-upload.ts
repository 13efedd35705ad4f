/** Checks the staged files of a job and stores them. Both upload routes end here. */
import type { JobName } from '../../model/name.js';
import { commitPage, jobFile, runFolder } from '../../model/path.js';
import { accept, refuse, type Result } from '../../model/result.js';
import type { StoreJobRefusal, StoreJobResult } from '../site/site.js';
import type { JobDestination } from '../state/job-destination.js';
import type { Sender } from '../store/log-entry.js';
import { checkStaged, stagedFile, type StagedJob } from '../store/staged-job.js';
import type { StoreRefusal } from './refusal-response.js';
import { waitForPages, type RouteContext } from './route-context.js';

/** A stored job: `new`, or the `same` as one stored before. */
type StoredUpload = Exclude<StoreJobResult, StoreJobRefusal>;

/** A job whose files have been received. */
interface ReceivedJob {
  readonly job: JobName;
  readonly sender: Sender;
  /** SHA-256 of the files, in hexadecimal, by path */
  readonly digests: ReadonlyMap<string, string>;
  /** returns where to store the job, from its record */
  readonly destination: (staged: StagedJob) => Result<JobDestination>;
}

/** Checks the files in `folder`, stores them, and waits for the pages that show them. */
export async function storeUpload(
  folder: string,
  { job, sender, digests, destination }: ReceivedJob,
  context: RouteContext,
): Promise<Result<StoredUpload, StoreRefusal>> {
  const { site, senders, limits, metrics } = context;
  const result = await site.trackUpload(async () => {
    const wwzDigest = digests.get(stagedFile(folder, 'wwz'));
    const staged = await checkStaged(folder, { job, wwzDigest }, limits);
    if (!staged.ok) return staged;
    const found = destination(staged.value);
    return found.ok ? site.store(found.value, staged.value, sender) : refuse(`json: ${found.error}`);
  });
  if (!result.ok) {
    metrics.add('soil_uploads', { result: 'rejected' });
    return refuse({ kind: 'invalid-upload', reason: result.error });
  }
  const { stored, pagesWritten } = result.value;
  metrics.add('soil_uploads', { result: stored.kind });
  if (stored.kind === 'conflict' || stored.kind === 'contradiction') return refuse(stored);
  if (stored.kind === 'new') senders.addJob(stored.address, sender);
  await waitForPages(pagesWritten, context);
  return accept(stored);
}

/** Returns the addresses of a stored job and its pages, relative to the site. */
export function urlsOf({ address, commit }: StoredUpload): Readonly<Record<string, string>> {
  return {
    record: jobFile(address, 'json'),
    wwz: `${jobFile(address, 'wwz')}/`,
    run: `${runFolder(address)}/`,
    ...(commit !== undefined && { commit: commitPage(address.host, commit) }),
  };
}
