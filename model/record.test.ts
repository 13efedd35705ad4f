import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { CommitHash, JobName, RunId } from './name.js';
import { parseRecord } from './record-reader.js';
import { formatRecord, identityOf, type JobRecord } from './record.js';
import { valueOf } from './result.js';

/** A record with the keys that Soil's shell and Python worker writes, and invented values. */
const shellRecord = {
  'task-run-start-time': '1700000000.25',
  'task-deploy-start-time': '1700000100',
  'image-pull-time': 'real 12.34\nuser 0.05\nsys 0.02\n',
  'commit-hash': '09ab09ab09ab09ab09ab09ab09ab09ab09ab09ab',
  'commit-date': '2023-11-14 22:13:20 +0000',
  'commit-line': '[refactor] Größe der Töpfe',
  'job-name': 'dev-minimal',
  JOB_URL: null,
  JOB_ID: null,
  GITHUB_RUN_ID: '6860000000',
  GITHUB_RUN_NUMBER: '1234',
  GITHUB_JOB: 'dev-minimal',
  GITHUB_REF: 'refs/heads/soil-staging',
  GITHUB_PR_NUMBER: '',
  GITHUB_PR_HEAD_REF: null,
};
const read = (json: unknown) => parseRecord(JSON.stringify(json));

test('parseRecord() parses a record of Soil’s shell worker', () => {
  const record = valueOf(read(shellRecord));
  assert.equal(record.schema, 0);
  assert.equal(record.commitLine, '[refactor] Größe der Töpfe');
  assert.equal(record.startTime, 1700000000.25);
  assert.equal(record.imagePullSeconds, 12.34);
  assert.equal(record.branch, 'soil-staging');
  assert.equal(record.jobUrl, undefined);
  assert.equal(record.pullRequest, undefined);
  assert.deepEqual(valueOf(identityOf(record, { host: 'github' })), {
    host: 'github',
    number: '1234',
    runId: '6860000000',
    attempt: 1,
    job: 'dev-minimal',
  });
});

test('parseRecord() accepts null and missing values, and rejects a truncated record', () => {
  const empty = valueOf(read(Object.fromEntries(Object.keys(shellRecord).map((key) => [key, null]))));
  assert.deepEqual(empty, { schema: 0, attempt: 1, tasks: [], expectedJobs: [] });
  const nameless = identityOf(empty, { host: 'github', job: 'a' as JobName });
  assert.deepEqual(nameless, { ok: false, error: 'cannot accept the record: GITHUB_RUN_NUMBER is missing' });
  const truncated = parseRecord(JSON.stringify(shellRecord).slice(0, 60));
  assert.ok(!truncated.ok && truncated.error.startsWith('cannot read the record: '));
  for (const text of ['', '[]', 'null', '3', '"x"']) assert.equal(parseRecord(text).ok, false, text);
});

const faults: [object, string][] = [
  [{ 'job-name': '../x' }, 'cannot accept job-name "../x"'],
  [{ GITHUB_RUN_NUMBER: '12-2' }, 'cannot accept GITHUB_RUN_NUMBER "12-2"'],
  [{ GITHUB_RUN_ATTEMPT: '0' }, 'cannot accept GITHUB_RUN_ATTEMPT "0"'],
  [{ schema: 2 }, 'cannot accept schema "2": this version of Soil reads 0 and 1'],
  [{ outcome: 'great' }, 'cannot accept outcome "great"'],
  [{ status: 256 }, 'cannot accept status "256"'],
  [{ tasks: {} }, 'cannot accept tasks "{}": it must be a list'],
];

const unneeded: [object, string][] = [
  [{ 'commit-hash': 'HEAD' }, 'commit-hash "HEAD"'],
  [{ 'commit-line': ['a'] }, 'commit-line "[\\"a\\"]": it must be text'],
  [{ 'task-run-start-time': 'yesterday' }, 'task-run-start-time "yesterday"'],
  [{ 'task-run-start-time': '1e99' }, 'task-run-start-time "1e99"'],
  [{ 'image-pull-time': 'long' }, 'image-pull-time "long"'],
  [{ image: 'x' }, 'image "x": it must be an object'],
  [{ image: { engine: 'lxc' } }, 'engine "lxc": it must be podman or docker'],
  [{ 'expected-jobs': [{}] }, 'expected-jobs "{}": it must be a list of names'],
  [{ 'expected-jobs': [{ toString: 1 }] }, 'expected-jobs "{\\"toString\\":1}"'],
  [{ 'expected-jobs': [[['a']]] }, 'expected-jobs "[[\\"a\\"]]": it must be a list of names'],
  [
    { 'expected-jobs': Array.from({ length: 1001 }, (_, i) => `j${i}`) },
    'expected-jobs: it has 1001 names, more than 1000',
  ],
  [{ branch: 'b'.repeat(4001) }, 'branch "bbb'],
  [{ JOB_URL: `https://${'u'.repeat(4001)}` }, 'JOB_URL "https://uuu'],
  [{ 'task-run-start-time': '-1' }, 'task-run-start-time "-1"'],
  [{ 'task-run-start-time': '2026-01-13 06:58:12' }, 'task-run-start-time "2026'],
  [{ 'image-pull-time': 'pull time lost' }, 'image-pull-time "pull time lost"'],
  [{ GITHUB_REF: `refs/heads/${'r'.repeat(4001)}` }, 'GITHUB_REF "refs/heads/rrr'],
  [{ 'task-run-start-time': '2026-02-30T10:00:00Z' }, 'task-run-start-time "2026-02-30'],
  [{ 'task-deploy-start-time': '2025-02-29 10:00:00 +0000' }, 'task-deploy-start-time "2025-02-29'],
  [{ 'task-run-start-time': 'Mon, 30 Feb 2026 10:00:00 GMT' }, 'task-run-start-time "Mon, 30 Feb'],
  [{ 'task-run-start-time': 'Fri Jun 31 11:58:12 UTC 2026' }, 'task-run-start-time "Fri Jun 31'],
  [{ GITHUB_PR_NUMBER: {} }, 'GITHUB_PR_NUMBER "{}": it must be text'],
  [{ GITHUB_PR_NUMBER: '7', GITHUB_PR_HEAD_SHA: ['x'] }, 'GITHUB_PR_HEAD_SHA '],
  [{ machine: { cpus: -1 } }, 'cpus "-1": it must be a number from 0'],
  [{ 'worker-version': true }, 'worker-version "true": it must be text'],
  [{ reason: {} }, 'reason "{}": it must be text'],
];

test('parseRecord() leaves out a wrong value that neither identity nor outcome needs, and says so', () => {
  const good = valueOf(read(shellRecord));
  assert.equal(good.unread, undefined);
  for (const [json, error] of unneeded) {
    const record = valueOf(read({ ...shellRecord, status: 3, outcome: 'failed', ...json }));
    assert.equal(record.unread?.length, 1, JSON.stringify(json));
    assert.ok(record.unread[0]?.startsWith(error), record.unread[0]);
    assert.deepEqual([record.outcome, record.status, record.job], ['failed', 3, good.job]);
  }
  const many = valueOf(
    read({ ...shellRecord, tasks: Array.from({ length: 50 }, () => ({ name: 'a', run: {} })) }),
  );
  assert.equal(many.unread?.length, 20);
});

test('parseRecord() names the key, the value and the reason of a refusal', () => {
  for (const [json, error] of faults) {
    const result = read({ ...shellRecord, ...json });
    assert.ok(!result.ok, JSON.stringify(json));
    assert.ok(result.error.startsWith(error), result.error);
  }
});

test('parseRecord() accepts dates of any form with a time zone', () => {
  for (const text of [
    '2026-01-13T11:58:12Z',
    '2026-01-13 06:58:12 -0500',
    'Tue, 13 Jan 2026 06:58:12 -05:00',
    'Tue Jan 13 11:58:12 UTC 2026',
    'Tue, 13 Jan 2026 11:58:12 GMT',
  ]) {
    const record = valueOf(read({ ...shellRecord, 'task-run-start-time': text }));
    assert.equal(record.startTime, 1_768_305_492, text);
  }
});

test('parseRecord() truncates long text for display between characters', () => {
  const record = valueOf(
    read({ ...shellRecord, 'commit-line': `${'x'.repeat(3999)}😀`, reason: 'r'.repeat(1e6) }),
  );
  assert.equal(record.commitLine, `${'x'.repeat(3999)}…`);
  assert.equal(record.reason?.length, 4001);
});

test('identityOf() rejects a record that contradicts the request', () => {
  const record = valueOf(read({ ...shellRecord, host: 'github', schema: 1 }));
  const job = identityOf(record, { job: 'other' as JobName });
  assert.ok(!job.ok && job.error.includes('"dev-minimal": the upload is for job "other"'));
  const host = identityOf(record, { host: 'local' });
  assert.ok(!host.ok && host.error.includes('"github": the upload is for worker host "local"'));
});

const word = fc
  .string({ unit: fc.constantFrom(...'abcé<"日-'), minLength: 1, maxLength: 10 })
  .map((t) => `w${t}`);
const id = fc.integer({ min: 1, max: 1e9 }).map((n) => String(n) as RunId);
const instant = fc.integer({ min: 0, max: 2e12 }).map((n) => n / 1000);
const commit = fc
  .integer({ min: 1, max: 255 })
  .map((n) => n.toString(16).padStart(2, '0').repeat(20) as CommitHash);

const anyRecord: fc.Arbitrary<JobRecord> = fc.record(
  {
    schema: fc.constant(1),
    host: fc.constantFrom('github', 'sourcehut', 'local'),
    job: fc.constantFrom('a' as JobName, 'b-c' as JobName),
    commit,
    commitDate: word,
    commitLine: word,
    branch: word,
    startTime: instant,
    deployTime: instant,
    imagePullSeconds: fc.integer({ min: 0, max: 1e6 }).map((n) => n / 100),
    jobUrl: word,
    repository: word,
    jobId: id,
    runNumber: id,
    runId: id,
    localRun: id,
    attempt: fc.integer({ min: 1, max: 9999 }),
    workflow: word,
    event: word,
    pullRequest: fc.record(
      { number: word, headRef: word, headSha: word },
      { requiredKeys: ['number'], noNullPrototype: true },
    ),
    outcome: fc.constantFrom('passed', 'failed', 'error'),
    status: fc.integer({ min: 0, max: 255 }),
    reason: word,
    image: fc.record(
      {
        name: word,
        engine: fc.constantFrom('podman', 'docker'),
        digest: word,
        bytes: fc.nat(),
        layers: fc.array(fc.record({ bytes: fc.nat(), command: word }, { noNullPrototype: true }), {
          maxLength: 3,
        }),
      },
      { requiredKeys: ['name', 'engine', 'layers'], noNullPrototype: true },
    ),
    engineFlags: fc.array(word, { minLength: 1, maxLength: 3 }),
    machine: fc.record(
      {
        name: word,
        system: word,
        architecture: word,
        cpus: fc.nat(),
        memoryBytes: fc.nat(),
      },
      { noNullPrototype: true },
    ),
    workerVersion: word,
    tasks: fc.array(fc.record({ name: word, run: word }, { noNullPrototype: true }), { maxLength: 3 }),
    expectedJobs: fc.array(fc.constantFrom('a' as JobName, 'b' as JobName), { maxLength: 3 }),
  },
  { requiredKeys: ['schema', 'attempt', 'tasks', 'expectedJobs'], noNullPrototype: true },
);

test('parseRecord() inverts formatRecord()', () => {
  fc.assert(
    fc.property(anyRecord, (record) => {
      assert.deepEqual(valueOf(parseRecord(formatRecord(record))), record);
    }),
    { seed: 11, numRuns: 500 },
  );
});

test('parseRecord() never throws', () => {
  const keys = fc.constantFrom(
    ...Object.keys(shellRecord),
    'image',
    'engine-flags',
    'machine',
    'tasks',
    'expected-jobs',
    'schema',
  );
  fc.assert(
    fc.property(fc.dictionary(keys, fc.jsonValue()), (json) => {
      assert.equal(typeof read(json).ok, 'boolean');
    }),
    { seed: 13, numRuns: 3000 },
  );
});

test('parseRecord() rejects deeply nested lists', () => {
  const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`;
  for (const key of ['commit-line', 'schema', 'tasks', 'engine-flags', 'expected-jobs']) {
    const parsed = parseRecord(`{"schema":1,"${key}":${deep}}`);
    assert.match(
      (parsed.ok ? parsed.value.unread?.[0] : parsed.error) ?? '',
      new RegExp(`^(cannot accept )?${key}`),
    );
  }
});
