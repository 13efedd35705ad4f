/** Writes a site's folder with a given number of records, like that of a site after years of use. Deterministic. */
import { linkSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { buildZip, regular } from '../test/zip-builder.js';
import { formatHistoryTsv, historyRecord, jobsOfRun, tasksOfJob } from './history-job.js';

/** Hard links of one file: ext4 allows 65,000. */
const linksOfFile = 50_000;

/** Writes records, rows and wwz files; the server itself makes pages and log. `site` must not exist. */
export function writeHistory(site: string, jobs: number): void {
  const runs = Math.ceil(jobs / jobsOfRun);
  const spare = join(site, '.history');
  mkdirSync(spare, { recursive: true });
  const tsv = formatHistoryTsv();
  const wwz = historyWwz(200);
  let made = 0;
  for (let run = 1; run <= runs; run++) {
    const folder = join(site, 'github-jobs', String(run));
    mkdirSync(folder, { recursive: true });
    for (let n = 0; n < jobsOfRun && made < jobs; n++, made++) {
      const batch = Math.floor(made / linksOfFile);
      if (made % linksOfFile === 0) {
        writeFileSync(join(spare, `${batch}.wwz`), wwz);
        writeFileSync(join(spare, `${batch}.tsv`), tsv);
      }
      const stem = join(folder, `job-${n}`);
      // Content that all jobs share is one file with many hard links, so that half a million jobs need little disk.
      for (const suffix of ['wwz', 'tsv']) linkSync(join(spare, `${batch}.${suffix}`), `${stem}.${suffix}`);
      writeFileSync(`${stem}.json`, JSON.stringify(historyRecord(run, n)));
    }
  }
}

/** A wwz with a page, a log for each task, and that many more bytes, which do not compress. */
export function historyWwz(bytes: number): Buffer {
  return buildZip([
    ...Array.from({ length: tasksOfJob }, (_, i) => ({
      ...{ name: `_tmp/soil/logs/task-${i}.txt`, content: `task ${i}: ok\n`, attributes: regular },
    })),
    { name: 'data.bin', content: randomBytes(bytes), method: 0, attributes: regular },
    { name: 'index.html', content: '<title>a job</title>', attributes: regular },
  ]);
}
