import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCommitHash, parseJobName } from '../../../model/name.js';
import type { JobRecord } from '../../../model/record.js';
import { valueOf } from '../../../model/result.js';
import type { JobAddress } from '../../../model/run.js';
import { github, job, noon, task, type SampleRun } from '../../../test/sample-job.js';
import { siteOf, type SampleSite } from '../../../test/sample-site.js';
import { renderFeed } from './feed.js';
import { renderHistoryFile, renderHistoryPage } from './history-page.js';
import { renderLatest, renderLatestGreen } from './latest-file.js';
import type { JobDetails } from '../../store/stored-job.js';

const unit = valueOf(parseJobName('unit'));
const hash = (number: number) => valueOf(parseCommitHash(String(number).padStart(40, '0')));

/** Run `number` on main, `number` minutes after noon; one letter per job: `p` passed, `f` failed. */
function run(number: number, letters: string, { attempt = 1, ...more }: Partial<JobRecord> = {}): SampleRun {
  const startTime = noon + number * 60;
  const record = { branch: 'main', commit: hash(number), startTime, deployTime: startTime + 5, ...more };
  const jobs = Array.from(letters).map((letter, index) => {
    const end = letter === 'p' ? task('passed', 'all', 5) : task('failed', 'all', 5, { status: 3 });
    return job(index === 0 ? 'unit' : `job${index}`, [end], record);
  });
  return github(String(number), attempt, jobs);
}

const detailsOf =
  (site: SampleSite) =>
  (address: JobAddress): JobDetails =>
    site.details(address).get(address.job) ?? { rows: [], problems: [] };

test('renderFeed() lists only jobs whose newest attempt is not green', () => {
  const again = run(2, 'p', { attempt: 2, startTime: noon + 900, deployTime: noon + 905 });
  const feed = renderFeed(siteOf('Test', [again, run(2, 'ff'), run(1, 'pp')]), 'main', 'main') ?? '';
  assert.match(feed, /<title>main started failing: job1<\/title>/);
  assert.match(feed, /<summary>[^<]*1 job not green: job1<\/summary>/);
});

test('renderFeed() uses stable ids that differ between projects', () => {
  const ids = (title: string, letters: string): readonly string[] => {
    const runs = Array.from(letters).map((letter, index) => run(index + 1, letter));
    const feed = renderFeed(siteOf(title, runs), 'main', 'main') ?? '';
    return [...feed.matchAll(/<id>(.*)<\/id>/g)].map(([, id = '']) => id);
  };
  const [feed, failed] = ids('One', 'pf');
  assert.deepEqual(
    ids('One', 'pffp').filter((_, index) => index !== 1),
    [feed, failed],
  );
  assert.ok(ids('Two & <2>', 'pf').every((id) => id !== feed && id !== failed && !/[<>& ]/.test(id)));
});

interface History {
  readonly lastGreen?: { readonly run: string };
  readonly commitsSince: readonly string[];
  readonly runs: readonly { readonly tasks: Readonly<Record<string, { readonly outcome: string }>> }[];
}

test('renderHistoryFile() lists 100 runs, and finds an older green run', () => {
  const runs = Array.from({ length: 130 }, (_, index) => run(index + 1, index === 9 ? 'p' : 'f'));
  const site = siteOf('Test', runs);
  const json = JSON.parse(String(renderHistoryFile(site, unit, detailsOf(site)))) as History;
  assert.equal(json.runs.length, 100);
  assert.equal(json.lastGreen?.run, '10');
  assert.equal(json.commitsSince.length, 100);
  assert.equal(json.commitsSince[0], hash(130));
  assert.match(String(renderHistoryPage(site, unit, detailsOf(site))), />Run 10</);
});

test('renderHistoryFile() marks the same tasks as flaky as the page', () => {
  const first = run(1, 'p');
  const flaky = {
    ...first,
    jobs: first.jobs.map((one) => ({ ...one, flakyTasks: one.summary?.passedTasks ?? [] })),
  };
  const site = siteOf('Test', [flaky]);
  const json = JSON.parse(String(renderHistoryFile(site, unit, detailsOf(site)))) as History;
  assert.equal(json.runs[0]?.tasks.all?.outcome, 'flaky');
  assert.match(String(renderHistoryPage(site, unit, detailsOf(site))), /class="mark flaky"/);
});

test('renderHistoryFile() does not read the tasks of a job with more than 2000', () => {
  const many = Array.from({ length: 2001 }, (_, index) => task('passed', `t${index}`, 1));
  const record = { branch: 'main', commit: hash(2), startTime: noon + 120 };
  const site = siteOf('Test', [github('2', 1, [job('unit', many, record)]), run(1, 'f')]);
  const read: JobAddress[] = [];
  const details = (address: JobAddress): JobDetails => {
    read.push(address);
    return detailsOf(site)(address);
  };
  const json = JSON.parse(String(renderHistoryFile(site, unit, details))) as History;
  assert.deepEqual(
    json.runs.map(({ tasks }) => Object.keys(tasks).length),
    [0, 1],
  );
  renderHistoryPage(site, unit, details);
  assert.ok(read.every(({ name }) => name === '1') && read.length > 0);
});

test('renderLatestGreen() skips commits that are not green, renderLatest() does not', () => {
  const site = siteOf('Test', [run(1, 'pp'), run(2, 'pf'), run(3, 'fp')]);
  const commit = (text: string | undefined) => (JSON.parse(text ?? '{}') as { commit?: string }).commit;
  assert.equal(commit(renderLatest(site, 'main', 'main')), hash(3));
  assert.equal(commit(renderLatestGreen(site, 'main', 'main')), hash(1));
  assert.equal(renderLatestGreen(siteOf('Test', [run(2, 'pf')]), 'main', 'main'), undefined);
});
