/** The message of a 410 response for a file that retention removed. */
import { quote } from '../../model/result.js';
import { jobFile, parseHostFolder, parseJobFile, parseRunFolder } from '../../model/path.js';
import type { SiteReader } from './site-view.js';

/**
 * Formats the message. `path`: below the site's folder, or inside a wwz. Returns undefined if the file was not removed.
 */
export function formatRemovalMessage(state: SiteReader, path: string): string | undefined {
  const [folderText = '', runText = '', fileText = ''] = path.split('/');
  const host = parseHostFolder(folderText);
  if (!host.ok) return undefined;
  const folder = parseRunFolder(host.value, runText);
  const file = parseJobFile(fileText);
  if (!folder.ok || !file.ok) return undefined;
  const { job, suffix } = file.value;
  const removal = state.removal(folder.value);
  const isRemoved = removal?.jobs.some((other) => other.job === job) === true;
  const wwz = suffix === 'wwz' ? state.recordedJob({ ...folder.value, job })?.summary.removedWwz : undefined;
  const removed = isRemoved ? removal : wwz;
  if (removed === undefined) return undefined;
  const when = new Date(removed.time * 1000).toISOString().slice(0, 10);
  const name = jobFile({ ...folder.value, job }, suffix);
  return `cannot serve ${quote(name)}: it was removed on ${when}, since its run was ${removed.rule}`;
}
