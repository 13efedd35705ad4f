import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRunId, type JobName } from '../../../model/name.js';
import { posix } from 'node:path';
import { valueOf } from '../../../model/result.js';
import type { RunFolder } from '../../../model/run.js';
import { checkPage } from '../../../test/html-check.js';
import { otherPaths, serverPages, wwzPages } from '../../../test/sample-pages.js';
import { absent, job, mainCommit, runOf, task, type SampleJob } from '../../../test/sample-job.js';
import {
  hostileBranch,
  hostileCommit,
  sampleSite,
  siteOf,
  type SampleSite,
} from '../../../test/sample-site.js';
import { createInterner, summarize } from '../../state/job-summary.js';
import { renderCommit } from './commit-page.js';
import { renderHome } from './home-page.js';
import { hostIndexPages, renderHostIndex } from './host-index-page.js';
import { rawIndexPages, renderRawIndex } from './raw-index-page.js';
import { renderRun } from './run-page.js';

const site = sampleSite({ fillerRuns: 104 });
const folder = (name: string) => ({ host: 'github' as const, name: valueOf(parseRunId(name)) });

const runHtml = (of: SampleSite, folder: RunFolder) => String(renderRun(of, folder, of.details(folder)));

test('every page of the sample site is well formed', () => {
  const pages = [...serverPages(site), ...wwzPages(site)];
  assert.ok(pages.length > 200);
  for (const [path, html] of pages) assert.deepEqual(checkPage(html).faults, [], path);
});

test('every link is relative, to a page or file of the site', () => {
  const pages = new Map([...serverPages(site), ...wwzPages(site)]);
  const others = otherPaths(site);
  let links = 0;
  for (const [path, html] of pages) {
    for (const { name, attributes } of checkPage(html).elements) {
      const href = attributes.get('href') ?? attributes.get('src');
      if (href === undefined || href.startsWith('#')) continue;
      if (/^https:\/\/(ci|builds)\.example\//.test(href)) {
        assert.equal(name, 'a', `${path}: ${href}`);
        continue;
      }
      assert.doesNotMatch(href, /^\/|^[a-z]+:/i, `${path}: ${href}`);
      const [file = '', fragment] = href.split('#');
      const target = posix.join(posix.dirname(path), decodeURIComponent(file));
      assert.ok(pages.has(target) || others.has(target), `${path}: ${href} leads to ${target}`);
      if (fragment !== undefined) {
        const ids = new RegExp(` id="${decodeURIComponent(fragment).replaceAll('.', '\\.')}"`);
        assert.match(pages.get(target) ?? '', ids, `${path}: ${href}`);
      }
      links++;
    }
  }
  assert.ok(links > 5000);
});

test('pages depend only on the state', () => {
  assert.deepEqual(serverPages(sampleSite({ fillerRuns: 104 })), serverPages(site));
});

test('renderHome() shows the running jobs and the newest runs of each host', () => {
  const { text } = checkPage(String(renderHome(site)));
  assert.match(text, /Running now/);
  assert.match(text, /running\s*dev-minimalRun 1234, attempt 2, GitHub3 tasks done/);
  assert.match(text, /cpp-tarballRun 1234, attempt 2, GitHubpulling the image/);
  for (const host of ['GitHub', 'sourcehut', 'Local machines']) assert.ok(text.includes(host), host);
});

test('renderHome() of an empty site says how to publish', () => {
  assert.match(checkPage(String(renderHome(siteOf('Test', [])))).text, /Nothing has been published yet/);
});

test('renderHostIndex() says that a host has no runs', () => {
  const empty = siteOf('Test', []);
  assert.equal(hostIndexPages(empty, 'local'), 1);
  assert.equal(rawIndexPages(empty, 'local'), 1);
  assert.match(String(renderHostIndex(empty, 'local', 1)), /No runs have been published yet/);
  assert.match(String(renderRawIndex(empty, 'local', 1)), /No jobs have been published yet/);
});

test('renderHostIndex() splits long lists; old pages do not change when a run is added', () => {
  assert.equal(hostIndexPages(site, 'github'), 5);
  assert.match(String(renderHostIndex(site, 'github', 5)), /href="page-4.html">older/);
  assert.match(String(renderHostIndex(site, 'github', 4)), /href="index.html">← newer/);
  assert.match(String(renderHostIndex(site, 'github', 4)), /href="page-3.html">older/);
  const grown = sampleSite({ fillerRuns: 104 });
  const [[newest] = []] = grown.groups('github');
  assert.ok(newest);
  const added = { ...newest, folder: folder('1300'), run: '1300', attempt: 1 };
  const withOneMore: SampleSite = {
    ...grown,
    groups: (host) => (host === 'github' ? [[added], ...grown.groups(host)] : grown.groups(host)),
  };
  for (const page of [1, 2, 3, 4]) {
    assert.equal(
      String(renderHostIndex(withOneMore, 'github', page)),
      String(renderHostIndex(site, 'github', page)),
    );
    assert.equal(
      String(renderRawIndex(withOneMore, 'github', page)),
      String(renderRawIndex(site, 'github', page)),
    );
  }
});

test('the pages of two attempts link to each other', () => {
  const second = runHtml(site, folder('1234-2'));
  assert.match(second, /<h1>Run 1234 <small>attempt 2<\/small><\/h1>/);
  assert.match(second, /<a href="..\/1234\/index.html">attempt 1<\/a>/);
  assert.match(runHtml(site, folder('1234')), /<a href="..\/1234-2\/index.html">attempt 2<\/a>/);
  assert.match(
    String(renderHostIndex(site, 'github', 5)),
    /earlier: <a href="1234\/index.html">attempt 1<\/a>/,
  );
});

test('renderRun() shows the outcome in its title, the count of jobs by outcome, and a link to the feed', () => {
  const { text, elements } = checkPage(runHtml(site, folder('1234')));
  assert.match(text, /^\s*Run 1234: error · GitHub · Oils\n/);
  assert.match(text, /13 jobs ! 2 error✗ 1 failed⊘ 1 cancelled∅ 1 no task ran✓ 8 passed/);
  const feed = '../../branches/soil-staging/feed.atom';
  assert.ok(elements.some((e) => e.name === 'a' && e.attributes.get('href') === feed));
  const pull = checkPage(runHtml(site, folder('1232')));
  assert.ok(pull.elements.every((e) => !e.attributes.get('href')?.endsWith('feed.atom')));
  assert.doesNotMatch(pull.text, /1 jobs?/);
});

test('renderRun() shows expected, running and lost jobs', () => {
  const { text } = checkPage(runHtml(site, folder('1234-2')));
  assert.match(text, /○ expected\s*raw-vm\s*not started yet/);
  assert.match(text, /\? lost\s*wild\s*no more events; 0 tasks done/);
  assert.match(text, /▸ running\s*dev-minimal\s*3 tasks done/);
  assert.match(text, /≈ flaky 2 tries\s*ble-issues try 1/);
});

test('renderRun() lists failures first, with links to the logs', () => {
  const html = runHtml(site, folder('1234'));
  const failures = html.slice(html.indexOf('What did not pass'), html.indexOf('id="jobs"'));
  const names = [...failures.matchAll(/<th scope="row"><a href="([^"]+)">/g)].map(([, href]) => href);
  assert.deepEqual(names, [
    'cpp-small.wwz/_soil/logs/spec.txt',
    'cpp-small.wwz/_soil/logs/benchmark.txt',
    'cpp-small.wwz/_soil/logs/gc%20stress.txt',
    'cpp-tarball.wwz/_soil/logs/test-tar.txt',
  ]);
});

test("renderRun() links the logs of Soil's shell worker at their path in the wwz", () => {
  const html = runHtml(site, { host: 'sourcehut', name: valueOf(parseRunId('998')) });
  assert.match(html, /href="dev-minimal.wwz\/_tmp\/soil\/logs\/unit.txt"/);
});

test('bad lines and problems are shown with their job, and do not affect others', () => {
  const { text } = checkPage(runHtml(site, folder('1234')));
  assert.match(text, /line 2: it has 2 columns, not six or more/);
  assert.match(text, /0 ⇥ <script>alert\(1\)<\/script>/);
  assert.match(text, /line 3: cannot accept status "x"/);
  assert.match(text, /cannot read key "commit-date"/);
  assert.match(text, /dev-setup-debian/);
});

test('a job without a record and without rows is listed', () => {
  const bare: SampleJob = {
    ...absent('bare', 'error'),
    problems: ['cannot read the record: truncated'],
    summary: summarize(
      { rows: [], problems: ['truncated'], end: { outcome: 'error', status: 125 } },
      createInterner(),
    ),
  };
  const run = { ...runOf(folder('7'), [bare]), outcome: 'error' as const };
  const broken = siteOf('Test', [run]);
  const { text } = checkPage(runHtml(broken, run.folder));
  assert.match(text, /cannot read the record: truncated/);
  assert.match(String(renderHostIndex(broken, 'github', 1)), /job-bare/);
  assert.match(String(renderHome(broken)), /Run 7/);
});

test('a job without tasks is not shown as passed', () => {
  const run = runOf(folder('8'), [job('nothing', [], {})]);
  const { text } = checkPage(runHtml(siteOf('Test', [run]), run.folder));
  assert.match(text, /∅ no task ran/);
  assert.doesNotMatch(text, /passed/);
});

test('hostile names, branches, subjects and addresses are escaped', () => {
  for (const html of [
    String(renderHome(site)),
    String(renderHostIndex(site, 'github', 5)),
    String(renderRawIndex(site, 'github', 5)),
    runHtml(site, folder('1233')),
    String(renderCommit(site, 'github', hostileCommit)),
  ]) {
    const { elements, text, faults } = checkPage(html);
    assert.deepEqual(faults, []);
    assert.ok(elements.every((e) => e.name !== 'script' && e.name !== 'svg'));
    assert.ok(elements.filter((e) => e.name === 'img').every((e) => e.attributes.get('alt') === ''));
    assert.ok(elements.every((e) => !/^\s*javascript:/i.test(e.attributes.get('href') ?? '')));
    assert.doesNotMatch(html, /\u202e/);
    assert.ok(
      text.includes('<script>alert("subject")</script> \\u202egnp.exe שלום עולם — naïve Größe 日本語'),
    );
    assert.ok(text.includes(hostileBranch));
  }
});

test('a job name that no parser accepts is escaped too', () => {
  const evil = '<script>alert(1)</script>"\'`=' as JobName;
  const only = job('x', [task('failed', 'unit', 1, { status: 1 })], { startTime: 1, commit: mainCommit });
  const run = runOf(folder('9'), [{ ...only, address: { ...only.address, job: evil } }]);
  const hostile = siteOf('Test', [run]);
  for (const html of [
    String(renderHome(hostile)),
    String(renderHostIndex(hostile, 'github', 1)),
    String(renderRawIndex(hostile, 'github', 1)),
    runHtml(hostile, run.folder),
    String(renderCommit(hostile, 'github', mainCommit)),
  ]) {
    assert.doesNotMatch(html, /<script/);
    assert.ok(checkPage(html).elements.every((e) => e.name !== 'script'));
  }
});

test('a pull request is a link only if its number and repository are valid', () => {
  const withPull = (jobUrl: string, number: string) =>
    runOf(folder('5'), [job('a', [], { jobUrl, pullRequest: { number } })]);
  const html = (jobUrl: string, number: string) => {
    const run = withPull(jobUrl, number);
    return runHtml(siteOf('Test', [run]), run.folder);
  };
  const url = 'https://ci.example/o/r/actions/runs/1';
  assert.match(html(url, '12'), /href="https:\/\/ci.example\/o\/r\/pull\/12"/);
  assert.doesNotMatch(html(url, '12/../../x'), /\/pull\//);
  assert.doesNotMatch(html('javascript:/o/r/actions/runs/1', '12'), /\/pull\//);
});

test('the index lists all sourcehut jobs of two commits with one date and interleaved ids', () => {
  const html = String(renderHostIndex(site, 'sourcehut', 1));
  const { elements, text } = checkPage(html);
  for (const id of ['1344', '1345', '1346', '1347', '998']) assert.match(text, new RegExp(`#${id} ·`));
  const entries = elements
    .filter((e) => e.name === 'article')
    .map((e) => e.attributes.get('id')?.slice(0, 15));
  assert.deepEqual(entries, ['commit-c0ffee00', 'commit-5eed5eed', 'commit-09ab09ab']);
});

test('every time has its year and time zone, and is machine-readable', () => {
  for (const html of serverPages(sampleSite()).values()) {
    for (const [, machine = '', text = ''] of html.matchAll(/<time([^>]*)>([^<]*)</g)) {
      assert.match(machine, /^ datetime="\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"$/);
      assert.match(text, /^\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)? UTC$/);
    }
  }
});

test('renderCommit() shows the jobs on every host, and its artifacts', () => {
  for (const host of ['github', 'sourcehut', 'local'] as const) {
    const { text, elements } = checkPage(String(renderCommit(site, host, mainCommit)));
    for (const part of [
      'Run 1234, attempt 2',
      'Job 998',
      'Run nightlyonlaptop20260113T115900Z',
      'read me & <more>.txt',
    ]) {
      assert.ok(text.includes(part), `${host}: ${part}`);
    }
    const prefix = host === 'github' ? '' : '../../github-jobs/commits/';
    const artifact = `${prefix}${mainCommit}/read%20me%20%26%20%3Cmore%3E.txt`;
    assert.ok(
      elements.some((e) => e.attributes.get('href') === artifact),
      artifact,
    );
  }
});

test('renderCommit() sorts by attempt, newest first, then by severity', () => {
  const { text } = checkPage(String(renderCommit(site, 'github', mainCommit)));
  const lines = [
    ...text.matchAll(
      /\S (lost|running|expected|flaky|passed|error|failed)\s*([a-z-]+)Run 1234(, attempt 2)?/g,
    ),
  ];
  const places = lines.map(([, outcome, job, second]) => `${second === undefined ? 1 : 2} ${outcome} ${job}`);
  assert.deepEqual(places.slice(0, 2), ['2 lost wild', '2 running cpp-tarball']);
  assert.equal(places[5], '2 passed cpp-small');
  assert.deepEqual(places.slice(6, 9), ['1 error dev-minimal', '1 error parse-errors', '1 failed cpp-small']);
});

test('every colored outcome has a word and a symbol', () => {
  for (const [path, html] of serverPages(sampleSite())) {
    for (const [row] of html.matchAll(/<tr class="[a-z-]+">.*?<\/tr>/gs)) {
      assert.match(row, /<span class="symbol" aria-hidden="true">[^<]+<\/span> [a-z ]+<\/span>/, path);
    }
  }
});
