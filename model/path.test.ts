import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { CommitHash, JobName, RunId, TaskName } from './name.js';
import * as path from './path.js';
import { valueOf } from './result.js';

const address = { host: 'sourcehut', name: '345' as RunId, job: 'dev-minimal' as JobName } as const;

test('the functions of addresses return the documented paths', () => {
  assert.equal(path.jobFile(address, 'wwz'), 'srht-jobs/345/dev-minimal.wwz');
  assert.equal(path.runPage(address), 'srht-jobs/345/index.html');
  assert.equal(path.commitPage('github', 'abcdef1' as CommitHash), 'github-jobs/commits/abcdef1.html');
  assert.equal(path.hostIndex('local'), 'local-jobs/index.html');
  assert.equal(path.rawIndex('github'), 'github-jobs/raw.html');
  const identity = { host: 'github', number: '12', runId: '999', attempt: 3, job: address.job } as const;
  assert.equal(
    path.statusFile({ ...identity, number: '12' as RunId, runId: '999' as RunId }),
    'status-api/github/999/dev-minimal',
  );
  assert.equal(path.wwzLog('unit tests' as TaskName), '_soil/logs/unit tests.txt');
});

test('parseJobFile() accepts JOB.json, JOB.tsv and JOB.wwz only, and no path', () => {
  assert.deepEqual(valueOf(path.parseJobFile('cpp.small.wwz')), { job: 'cpp.small', suffix: 'wwz' });
  for (const bad of [
    '../x.json',
    '/etc/x.json',
    'a/b.tsv',
    'a\\b.tsv',
    '..json',
    '.json',
    'x.html',
    'x.json.tsv',
    'x.json\0',
  ]) {
    assert.equal(path.parseJobFile(bad).ok, false, bad);
  }
});

test('parsePublicPath() rejects hidden, empty and parent segments', () => {
  for (const good of ['index.html', 'github-jobs/1/a.wwz', 'ü/日'])
    assert.ok(path.parsePublicPath(good).ok, good);
  for (const bad of [
    '',
    '/',
    'a//b',
    '../a',
    'a/../b',
    'a/.',
    '.soil/tokens.json',
    'a/.tmp',
    'a\\b',
    'a\0',
    'a/',
  ]) {
    assert.equal(path.parsePublicPath(bad).ok, false, JSON.stringify(bad));
  }
});

test('linkBetween() resolves from one page to another under any prefix', () => {
  const run = path.runPage({ host: 'github', name: '12' as RunId });
  assert.equal(path.linkBetween(run, path.homePage()), '../../index.html');
  assert.equal(path.linkBetween(run, 'github-jobs/12/a.wwz/x y#?.txt'), 'a.wwz/x%20y%23%3F.txt');
  assert.equal(path.linkBetween(path.homePage(), 'github-jobs/'), 'github-jobs/');
  const segment = fc
    .string({ unit: fc.constantFrom(...'aé?#%:. '), minLength: 1, maxLength: 5 })
    .map((s) => `s${s}`);
  fc.assert(
    fc.property(
      fc.array(segment, { minLength: 1, maxLength: 4 }),
      fc.array(segment, { minLength: 1, maxLength: 4 }),
      (a, b) => {
        const from = valueOf(path.parsePublicPath(a.join('/')));
        const link = path.linkBetween(from, b.join('/'));
        const base = `http://host/pre/fix/${a.map(encodeURIComponent).join('/')}`;
        assert.equal(new URL(link, base).pathname, `/pre/fix/${b.map(encodeURIComponent).join('/')}`);
      },
    ),
    { seed: 6, numRuns: 1000 },
  );
});
