/** A job's three files -> a site's folder on another machine, over SFTP: each whole or not at all, JSON last. */
import { jobFile, recordSuffixes, type RecordSuffix } from '../model/path.js';
import { quote, refuse, type Result } from '../model/result.js';
import type { JobAddress } from '../model/run.js';
import type { RemoteFiles } from '../ssh/remote-files.js';
import { showTarget, withSsh } from '../ssh/ssh-connection.js';
import type { SshTarget } from '../ssh/ssh-target.js';
import type { JobFiles } from './progress.js';

/** The order in which the files become visible: the JSON makes a record of the rest. */
const order: readonly RecordSuffix[] = ['wwz', 'tsv', 'json'];

interface Upload {
  readonly files: JobFiles;
  readonly address: JobAddress;
}

/** Sends what is not there yet; the paths on the other side are the answer. Nothing there is ever overwritten. */
export async function publishBySsh(target: SshTarget, upload: Upload): Promise<Result<readonly string[]>> {
  const sent = await withSsh(target, ({ files }) => sendAll(files, target.folder, upload));
  if (sent.ok) return sent;
  const { job } = upload.address;
  return refuse(`cannot publish job ${quote(job)} to ${quote(showTarget(target), 300)}: ${sent.error}`);
}

async function sendAll(
  remote: RemoteFiles,
  folder: string,
  { files, address }: Upload,
): Promise<readonly string[]> {
  if (!(await remote.exists(folder))) throw new Error(`folder ${quote(folder)} is not there`);
  const pathOf = (suffix: RecordSuffix): string => `${folder}/${jobFile(address, suffix)}`;
  const missing: RecordSuffix[] = [];
  // All are compared before the first is sent: a refusal leaves nothing behind.
  for (const suffix of order) {
    if (!(await remote.exists(pathOf(suffix)))) missing.push(suffix);
    else await demandSame(remote, files[suffix], pathOf(suffix));
  }
  await remote.makeFolders(folder, jobFile(address, 'json'));
  for (const suffix of missing) {
    try {
      await remote.place(files[suffix], pathOf(suffix));
    } catch (error) {
      // Another worker may have been first with the same bytes.
      if (!(await remote.exists(pathOf(suffix)))) throw error;
      await demandSame(remote, files[suffix], pathOf(suffix));
    }
  }
  return recordSuffixes.map(pathOf);
}

async function demandSame(remote: RemoteFiles, file: string, path: string): Promise<void> {
  if (await remote.isSame(file, path)) return;
  throw new Error(`${quote(path)} is there with other bytes; nothing is overwritten`);
}
