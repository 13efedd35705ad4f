/** The summary of a command that ran several jobs. */
import type { JobEnd } from '../job/job-pipeline.js';
import { plain } from '../report/format-progress.js';

/** Formats one line per job: `unit  failed  status 1  https://...`. The line of a skipped job has the reason. */
export function formatEnds(ends: readonly JobEnd[]): string[] {
  const width = Math.max(...ends.map(({ job }) => job.length));
  return [
    `${ends.length} jobs:`,
    ...ends.map(({ job, results, skip, status, urls }) => {
      const outcome = skip === undefined ? (results?.outcome ?? 'not run') : 'skipped';
      const cells = [job.padEnd(width), outcome.padEnd(9), `status ${status}`];
      const more = [urls[0], skip].flatMap((text) => (text === undefined ? [] : [plain(text)]));
      return [...cells, ...more].join('  ');
    }),
  ];
}
