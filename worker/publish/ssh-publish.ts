/** A job's three files -> a site's folder on another machine, over SFTP: each whole or not at all, JSON last; then its pages. */
import { jobFile, recordSuffixes, type RecordSuffix } from '../../model/path.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import type { JobAddress } from '../../model/run.js';
import { pasted } from '../../model/shell-word.js';
import type { RemoteFiles } from '../../ssh/remote-files.js';
import { rebuildRemotely } from '../../ssh/remote-rebuild.js';
import { formatTarget, withSsh } from '../../ssh/ssh-connection.js';
import type { SshTarget } from '../../ssh/ssh-target.js';
import type { CommandContext } from '../system/command-context.js';
import type { JobFiles } from '../record/progress.js';
import type { RemotePages } from './publish-target.js';

/** The order in which the files become visible: the JSON makes a record of the rest. */
const order: readonly RecordSuffix[] = ['wwz', 'tsv', 'json'];

interface Upload {
  readonly files: JobFiles;
  readonly address: JobAddress;
}

/**
 * Sends what is not there yet, and has the pages written again, by the same connection; the paths on the other side are
 * the answer. Nothing there is ever overwritten. A host without soil-server is told of, and is no failure: whoever has
 * such a one runs `soil-server deploy`.
 */
export async function publishBySsh(
  target: SshTarget,
  { pages, ...upload }: Upload & { readonly pages: RemotePages },
  { print, warn, forceCancel }: CommandContext,
): Promise<Result<readonly string[]>> {
  const sent = await withSsh(
    target,
    async (host) => {
      const paths = await sendAll(host.files, target.folder, upload);
      return { paths, rebuild: pages.isRebuilt ? await rebuildRemotely(host, target.folder) : undefined };
    },
    forceCancel,
  );
  const place = quote(formatTarget(target), 300);
  if (!sent.ok) return refuse(`cannot publish job ${quote(upload.address.job)} to ${place}: ${sent.error}`);
  const { paths, rebuild } = sent.value;
  switch (rebuild?.kind) {
    case 'failed':
      return refuse(`cannot rebuild the pages of ${place}, where the files are now: ${rebuild.reason}`);
    case 'no-server':
      warn(
        `notice: the pages of ${place} are not rebuilt, since that host has no soil-server; ` +
          `mend, from here: ${pages.deploy}`,
      );
      break;
    case 'busy':
      warn(
        `notice: the pages of ${place} are not rebuilt: ${rebuild.reason}; ` +
          `mend, there and once that has ended: soil-server rebuild ${pasted(target.folder)}`,
      );
      break;
    case 'rebuilt':
      print(rebuild.text);
      break;
    case undefined:
  }
  return accept(paths);
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
