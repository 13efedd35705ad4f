import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { CommitHash, JobName } from '../../model/name.js';
import { identityOf, recordSchema } from '../../model/record.js';
import { valueOf } from '../../model/result.js';
import { addressOf } from '../../model/run.js';
import { describeOrigin, identifyRun, type OriginSources } from './run-identity.js';

const head = 'a'.repeat(40) as CommitHash;
const other = 'b'.repeat(40) as CommitHash;
const job = 'unit' as JobName;
const now = new Date('2026-01-13T10:20:30.456Z');

function sources(
  environment: OriginSources['environment'],
  more: Partial<OriginSources> = {},
): OriginSources {
  return {
    ...{ environment, now, job, declaredJobs: [job, 'cpp' as JobName], workerVersion: '1.2.3' },
    git: { commit: head, commitDate: '2026-01-13T09:00:00+01:00', commitLine: 'Größe', branch: 'topic' },
    ...more,
  };
}

const github = {
  GITHUB_ACTIONS: 'true',
  GITHUB_RUN_NUMBER: '1234',
  GITHUB_RUN_ID: '98765',
  GITHUB_RUN_ATTEMPT: '2',
  GITHUB_SHA: head,
  GITHUB_REF: 'refs/heads/soil-staging',
  GITHUB_REPOSITORY: 'oils/oils',
  GITHUB_SERVER_URL: 'https://github.example',
  GITHUB_WORKFLOW: 'soil',
  GITHUB_EVENT_NAME: 'push',
};
const sourcehut = { JOB_ID: '345', JOB_URL: 'https://builds.example/~a/job/345', GIT_REF: 'refs/heads/main' };

const originOf = (s: OriginSources) => valueOf(describeOrigin(s)).origin;

test('describeOrigin() on GitHub Actions returns number, id, attempt, commit and URL', () => {
  assert.deepEqual(originOf(sources(github)), {
    host: 'github',
    job,
    commit: head,
    commitDate: '2026-01-13T09:00:00+01:00',
    commitLine: 'Größe',
    branch: 'soil-staging',
    workerVersion: '1.2.3',
    repository: 'oils/oils',
    workflow: 'soil',
    ref: 'refs/heads/soil-staging',
    event: 'push',
    jobUrl: 'https://github.example/oils/oils/actions/runs/98765/attempts/2',
    runNumber: '1234',
    runId: '98765',
    attempt: 2,
    expectedJobs: [job, 'cpp'],
  });
});

test('describeOrigin() on a pull request reads number, head ref and head commit from the event file', () => {
  const githubEvent = JSON.stringify({ pull_request: { number: 7, head: { ref: 'fix"<b>', sha: other } } });
  const environment = {
    ...github,
    GITHUB_REF: 'refs/pull/7/merge',
    GITHUB_HEAD_REF: 'fix"<b>',
    GITHUB_EVENT_NAME: 'pull_request',
  };
  const origin = originOf(sources(environment, { githubEvent }));
  assert.deepEqual(origin.pullRequest, { number: '7', headRef: 'fix"<b>', headSha: other });
  assert.equal(origin.branch, 'fix"<b>');
  assert.equal(origin.commit, head);
});

test('describeOrigin() warns about an event file that cannot be parsed', () => {
  const planned = valueOf(describeOrigin(sources(github, { githubEvent: '{' })));
  assert.match(planned.notices.join(), /cannot parse the file GITHUB_EVENT_PATH/);
  assert.equal(planned.origin.pullRequest, undefined);
});

test('describeOrigin() records the commit that is checked out, and warns when GITHUB_SHA differs', () => {
  const planned = valueOf(describeOrigin(sources({ ...github, GITHUB_SHA: other })));
  assert.equal(planned.origin.commit, head);
  assert.match(
    planned.notices.join(),
    new RegExp(`commit ${head} is checked out, but GITHUB_SHA is "${other}"`),
  );
  assert.equal(originOf(sources({ ...github, GITHUB_SHA: other }, { git: {} })).commit, other);
});

test('describeOrigin() on sourcehut returns the job and the commit from git', () => {
  const origin = originOf(sources(sourcehut));
  assert.equal(origin.host, 'sourcehut');
  assert.equal(origin.jobId, '345');
  assert.equal(origin.jobUrl, 'https://builds.example/~a/job/345');
  assert.equal(origin.commit, head);
  assert.equal(origin.branch, 'main');
  assert.deepEqual(origin.expectedJobs, []);
  const none = describeOrigin(sources(sourcehut, { git: {} }));
  assert.match(none.ok ? '' : none.error, /cannot identify the run/);
});

test('describeOrigin() names a local run after the clock, and expects no other jobs in it', () => {
  const origin = originOf(sources({}));
  assert.equal(origin.localRun, '20260113T102030Z');
  assert.equal(origin.attempt, 1);
  assert.equal(origin.branch, 'topic');
  assert.deepEqual(origin.expectedJobs, []);
});

test('describeOrigin() prefers --run-id to SOIL_RUN, and SOIL_RUN to the CI host', () => {
  const environment = { ...github, SOIL_RUN: 'nightly', SOIL_ATTEMPT: '4' };
  assert.equal(originOf(sources(environment)).localRun, 'nightly');
  assert.equal(originOf(sources(environment)).attempt, 4);
  const named = originOf(sources(environment, { runId: 'mine', attempt: '2' }));
  assert.deepEqual([named.host, named.localRun, named.attempt], ['local', 'mine', 2]);
  assert.deepEqual(named.expectedJobs, [job, 'cpp']);
});

const refusals: readonly (readonly [string, Partial<Record<string, string>>, RegExp])[] = [
  ['an invalid run number', { ...github, GITHUB_RUN_NUMBER: '12a' }, /cannot accept GITHUB_RUN_NUMBER "12a"/],
  ['a missing run id', { ...github, GITHUB_RUN_ID: '' }, /cannot accept GITHUB_RUN_ID ""/],
  ['attempt 0', { ...github, GITHUB_RUN_ATTEMPT: '0' }, /cannot accept GITHUB_RUN_ATTEMPT "0"/],
  ['an invalid commit', { ...github, GITHUB_SHA: 'HEAD' }, /cannot accept GITHUB_SHA "HEAD"/],
  ['a job id with a slash', { ...sourcehut, JOB_ID: '../1' }, /cannot accept JOB_ID "\.\.\/1"/],
  [
    'a local run that ends like an attempt',
    { SOIL_RUN: 'x-2' },
    /cannot accept SOIL_RUN "x-2": it ends with "-" and a number/,
  ],
  ['an invalid local attempt', { SOIL_ATTEMPT: 'two' }, /cannot accept SOIL_ATTEMPT "two"/],
];
for (const [what, environment, expected] of refusals) {
  test(`describeOrigin() rejects ${what}`, () => {
    const planned = describeOrigin(sources(environment));
    assert.match(planned.ok ? 'accepted' : planned.error, expected);
  });
}

test('describeOrigin() gives every record an address in any environment', () => {
  const value = fc.oneof(fc.constantFrom('', '1', '12', 'true', 'x', '../..', head), fc.string());
  const names = [...Object.keys(github), ...Object.keys(sourcehut), 'SOIL_RUN', 'SOIL_ATTEMPT'];
  const environment = fc.record(Object.fromEntries(names.map((name) => [name, value])), { requiredKeys: [] });
  fc.assert(
    fc.property(environment, (env) => {
      const planned = describeOrigin(sources(env));
      if (!planned.ok) assert.match(planned.error, /^cannot /);
      else {
        const identity = identityOf({ ...planned.value.origin, schema: recordSchema, tasks: [] });
        assert.match(valueOf(identity).host, /^(github|sourcehut|local)$/);
        assert.doesNotMatch(addressOf(valueOf(identity)).name, /[/\\]|^\./);
      }
    }),
  );
});

test('identifyRun() returns the run that the gate looks up', () => {
  assert.deepEqual(valueOf(identifyRun({ environment: github, now })), {
    ...{ host: 'github', number: '1234', runId: '98765', attempt: 2 },
  });
});
