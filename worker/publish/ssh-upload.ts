/** Uploads a job's three files to the folder of a site over SFTP, each atomically, and rebuilds the pages there. */
import { jobFile, recordSuffixes, type RecordSuffix } from '../../model/path.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import type { JobAddress } from '../../model/run.js';
import { formatShellWord } from '../../model/shell-word.js';
import type { RemoteFiles } from '../../ssh/remote-files.js';
import { rebuildRemotely } from '../../ssh/remote-rebuild.js';
import { formatTarget, withSsh } from '../../ssh/ssh-connection.js';
import type { SshTarget } from '../../ssh/ssh-target.js';
import type { CommandContext } from '../system/command-context.js';
import type { JobFiles } from '../state/job-folder.js';
import type { RemotePages } from './publish-target.js';

/** The JSON is last: it makes the other files a record. */
const uploadOrder: readonly RecordSuffix[] = ['wwz', 'tsv', 'json'];

interface Upload {
  readonly files: JobFiles;
  readonly address: JobAddress;
}

/**
 * Uploads the files that are missing on the host, and rebuilds the pages over the same connection. Returns the paths on
 * the host. Never overwrites a file. If soil-server is not installed on the host, prints a notice with the command that
 * rebuilds the pages from here.
 */
export async function uploadBySsh(
  target: SshTarget,
  { pages, ...upload }: Upload & { readonly pages: RemotePages },
  { print, warn, forceCancel }: CommandContext,
): Promise<Result<readonly string[]>> {
  const sent = await withSsh(
    target,
    async (host) => {
      const paths = await uploadFiles(host.files, target.folder, upload);
      return { paths, rebuild: pages.isRebuilt ? await rebuildRemotely(host, target.folder) : undefined };
    },
    forceCancel,
  );
  const shownTarget = quote(formatTarget(target), 300);
  if (!sent.ok)
    return refuse(`cannot publish job ${quote(upload.address.job)} to ${shownTarget}: ${sent.error}`);
  const { paths, rebuild } = sent.value;
  switch (rebuild?.kind) {
    case 'failed':
      return refuse(
        `the files are uploaded, but the pages of ${shownTarget} cannot be rebuilt: ${rebuild.reason}`,
      );
    case 'no-server':
      warn(
        `notice: the pages of ${shownTarget} are not rebuilt: soil-server is not installed there. ` +
          `To rebuild them from here, run: ${pages.deploy}`,
      );
      break;
    case 'busy':
      warn(
        `notice: the pages of ${shownTarget} are not rebuilt: ${rebuild.reason}. ` +
          `When that is done, run on that host: soil-server rebuild ${formatShellWord(target.folder)}`,
      );
      break;
    case 'rebuilt':
      print(rebuild.text);
      break;
    case undefined:
  }
  return accept(paths);
}

async function uploadFiles(
  remote: RemoteFiles,
  folder: string,
  { files, address }: Upload,
): Promise<readonly string[]> {
  if (!(await remote.exists(folder))) throw new Error(`no such folder: ${quote(folder)}`);
  const pathOf = (suffix: RecordSuffix): string => `${folder}/${jobFile(address, suffix)}`;
  const missing: RecordSuffix[] = [];
  // Compare all files before the first upload, so that a refusal uploads nothing.
  for (const suffix of uploadOrder) {
    if (!(await remote.exists(pathOf(suffix)))) missing.push(suffix);
    else await refuseDifferent(remote, files[suffix], pathOf(suffix));
  }
  await remote.makeFolders(folder, jobFile(address, 'json'));
  for (const suffix of missing) {
    try {
      await remote.upload(files[suffix], pathOf(suffix));
    } catch (error) {
      // Another worker may have uploaded the same content meanwhile.
      if (!(await remote.exists(pathOf(suffix)))) throw error;
      await refuseDifferent(remote, files[suffix], pathOf(suffix));
    }
  }
  return recordSuffixes.map(pathOf);
}

/** Throws if a file on the host differs from the local one. */
async function refuseDifferent(remote: RemoteFiles, file: string, path: string): Promise<void> {
  if (await remote.isSame(file, path)) return;
  throw new Error(`${quote(path)} exists with other content, and files are never overwritten`);
}
