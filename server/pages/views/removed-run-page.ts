/** The page of a removed run: its jobs, when it was removed, and by which rule. Pure. */
import { runPage } from '../../../model/path.js';
import { splitFolder, type RunFolder } from '../../../model/run.js';
import { codeFact, optionalFact, timeFact } from '../../../templates/fact.js';
import type { RemovedRunView } from '../../../templates/page.js';
import { renderPage } from '../../../templates/template.js';
import { bytesText, instantOf, markOf, visibleText } from '../../../templates/wording.js';
import type { Removal } from '../../store/removal-entry.js';
import type { SiteView } from '../../state/site-view.js';
import { pageFrame, hostCrumb } from './page-frame.js';
import { runLabel } from './job-view.js';

export function renderRemovedRun(site: SiteView, { folder, time, rule, run, jobs }: Removal): string {
  const page = runPage(folder);
  const { run: name, attempt } = splitFolder(folder);
  const view: RemovedRunView = {
    frame: pageFrame(site, page, runLabel(folder), [hostCrumb(page, folder.host)]),
    heading: runLabel({ ...folder, name: name as RunFolder['name'] }),
    attempt: attempt > 1 ? `attempt ${attempt}` : undefined,
    subject: run.commitLine === undefined ? undefined : visibleText(run.commitLine),
    time: instantOf(time),
    rule: visibleText(rule),
    facts: [
      // Not a link: the commit's page is removed with its last run.
      ...(run.commit === undefined ? [] : [codeFact('Commit', run.commit)]),
      ...optionalFact('Branch', run.branch),
      ...timeFact('Started', run.startTime),
    ],
    jobs: jobs.map(({ job, outcome, wwzBytes }) => ({
      mark: markOf(outcome),
      name: visibleText(job),
      size: wwzBytes === undefined ? undefined : bytesText(wwzBytes),
    })),
  };
  return renderPage('removed-run', view);
}
