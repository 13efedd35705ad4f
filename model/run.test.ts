import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { CommitHash, JobName, RunId } from './name.js';
import {
  addressOf,
  compareRunNames,
  folderName,
  parseAttempt,
  parseLocalRun,
  parseRunNumber,
  splitFolder,
  statusRunId,
} from './run.js';

const job = 'cpp' as JobName;
const id = (text: string) => text as RunId;

test('addressOf() returns a folder of the host', () => {
  const commit = 'a'.repeat(40) as CommitHash;
  const github = { host: 'github', number: id('1234'), runId: id('99'), attempt: 2, job } as const;
  assert.deepEqual(addressOf(github), { host: 'github', name: '1234-2', job });
  assert.equal(statusRunId(github), '99');
  const sourcehut = { host: 'sourcehut', jobId: id('345'), commit, job } as const;
  assert.deepEqual(addressOf(sourcehut), { host: 'sourcehut', name: '345', job });
  assert.equal(statusRunId(sourcehut), commit);
  const local = { host: 'local', run: id('night'), attempt: 1, job } as const;
  assert.deepEqual(addressOf(local), { host: 'local', name: 'night', job });
  assert.equal(statusRunId(local), 'night');
});

test('splitFolder() inverts folderName()', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e9 }), fc.integer({ min: 1, max: 9999 }), (number, attempt) => {
      const name = folderName(id(String(number)), attempt);
      assert.deepEqual(splitFolder({ host: 'github', name }), { run: String(number), attempt });
    }),
  );
});

test('parseLocalRun() rejects a name that looks like an attempt', () => {
  assert.equal(parseLocalRun('night-2').ok, false);
  assert.equal(parseLocalRun('night-two').ok, true);
  assert.equal(parseLocalRun('20261121T101500Z').ok, true);
});

test('parseRunNumber() and parseAttempt() accept whole numbers only', () => {
  for (const bad of ['', '0', '01', '-1', '1.5', '1e3', ' 1', '１']) {
    assert.equal(parseRunNumber(bad).ok, false, bad);
    assert.equal(parseAttempt(bad).ok, false, bad);
  }
  assert.equal(parseAttempt('10000').ok, false);
  assert.deepEqual(parseAttempt('3'), { ok: true, value: 3 });
});

test('compareRunNames() sorts 998 before 1000', () => {
  const names = [
    '1000',
    '998',
    '1000-2',
    '1000-10',
    'a10',
    'a9',
    '12345678901234567890',
    '12345678901234567889',
  ];
  assert.deepEqual(names.sort(compareRunNames), [
    '998',
    '1000',
    '1000-2',
    '1000-10',
    '12345678901234567889',
    '12345678901234567890',
    'a9',
    'a10',
  ]);
});

test('compareRunNames() is a total order', () => {
  const name = fc.string({ unit: fc.constantFrom(...'0129ab-.'), minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(name, name, name, (a, b, c) => {
      assert.equal(Math.sign(compareRunNames(a, b)), -Math.sign(compareRunNames(b, a)) + 0);
      assert.equal(compareRunNames(a, b) === 0, a === b);
      if (compareRunNames(a, b) <= 0 && compareRunNames(b, c) <= 0) assert.ok(compareRunNames(a, c) <= 0);
    }),
    { numRuns: 5000, seed: 3 },
  );
});
