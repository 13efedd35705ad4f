/** Status badges (SVG) of a branch and of a job on it. A running commit does not hide the last outcome. Pure. */
import type { JobName } from '../../../model/name.js';
import type { JobOutcome } from '../../../model/outcome.js';
import { renderPage } from '../../../templates/template.js';
import { markOf, visibleText } from '../../../templates/wording.js';
import type { SiteView } from '../../state/site-view.js';
import { commitOutcome } from './latest-file.js';

/** How many commits to search for one that has ended. */
const commitsSearched = 50;
/** Average width of common sans-serif fonts at this size, within a few percent; `textLength` fits the text to it. */
const characterWidth = 6.2;
const padding = 7;

/** Returns undefined if the branch has no commit. */
export function renderBranchBadge(site: SiteView, branch: string): string | undefined {
  const groups = site.branchCommits(branch, commitsSearched);
  if (groups.length === 0) return undefined;
  const outcomes = groups.map(commitOutcome);
  return renderBadge(branch, outcomes.find(hasEnded) ?? 'running');
}

/** Returns undefined if the job has never ended on the branch. */
export function renderJobBadge(site: SiteView, branch: string, job: JobName): string | undefined {
  const [newest] = site.history(job, 1, branch);
  return newest && renderBadge(job, newest.job.outcome);
}

const hasEnded = (outcome: JobOutcome): boolean => outcome !== 'running' && outcome !== 'expected';

const colors: Readonly<Record<JobOutcome, string>> = {
  passed: '#2f6728',
  flaky: '#785400',
  failed: '#a32a14',
  cancelled: '#5f5648',
  error: '#87245c',
  empty: '#5f5648',
  running: '#1f577c',
  expected: '#5f5648',
  lost: '#87245c',
};

function renderBadge(subject: string, outcome: JobOutcome): string {
  const { word, symbol } = markOf(outcome);
  const label = truncate(visibleText(subject));
  const message = `${symbol} ${word}`;
  const [left, right] = [textWidth(label), textWidth(message)];
  return renderPage('badge.svg', {
    label,
    message,
    word,
    width: left + right,
    left,
    leftText: left - 2 * padding,
    rightText: right - 2 * padding,
    leftMiddle: left / 2,
    rightMiddle: left + right / 2,
    color: colors[outcome],
  });
}

const textWidth = (text: string): number =>
  Math.round(Array.from(text).length * characterWidth + 2 * padding);

function truncate(text: string): string {
  const characters = Array.from(text);
  return characters.length > 40 ? `${characters.slice(0, 39).join('')}…` : text;
}
