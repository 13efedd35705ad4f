import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { CommitHash, JobName, RunId } from './name.js';
import { formatStatus, parseExitStatus, parseStatus, type JobStatus } from './status.js';
import { valueOf } from './result.js';

const green: JobStatus = {
  status: 0,
  host: 'github',
  run: '98765' as RunId,
  attempt: 1,
  job: 'dev-minimal' as JobName,
  commit: 'a'.repeat(40) as CommitHash,
  outcome: 'passed',
  time: 1763719200.5,
};

test('formatStatus() starts with the exit status and ends with a newline', () => {
  assert.equal(
    formatStatus(green),
    `0 host=github run=98765 attempt=1 job=dev-minimal commit=${'a'.repeat(40)} outcome=passed time=2025-11-21T10:00:00.500Z\n`,
  );
  assert.deepEqual(valueOf(parseStatus(formatStatus(green))), green);
});

test('parseStatus() rejects everything except one complete status line', () => {
  const line = formatStatus(green);
  for (const bad of [
    '',
    '0',
    '0\n',
    line.trimEnd(),
    line + line,
    `<!doctype html>\n`,
    line.replace('0 ', '00 '),
    line.replace('0 ', '-0 '),
    line.replace('attempt=1', 'attempt=0'),
    line.replace('attempt=1 ', ''),
    line.replace('attempt=1', 'attempt=1 attempt=2'),
    line.replace('passed', 'superb'),
    line.replace('2025', 'soon'),
    line.replace('=github', '=travis'),
    ` ${line}`,
  ]) {
    assert.equal(parseStatus(bad).ok, false, bad);
  }
});

test('parseStatus() ignores unknown keys', () => {
  assert.deepEqual(valueOf(parseStatus(formatStatus(green).replace('\n', ' later=1\n'))), green);
});

test('parseStatus() rejects truncated lines', () => {
  const line = formatStatus(green);
  for (let i = 0; i < line.length; i++) assert.equal(parseStatus(line.slice(0, i)).ok, false);
  fc.assert(
    fc.property(fc.string({ maxLength: 60 }), (text) => {
      assert.equal(parseStatus(text).ok, false);
    }),
    { seed: 4 },
  );
});

test('parseExitStatus() accepts 0 to 255', () => {
  for (const good of ['0', '7', '124', '255']) assert.equal(valueOf(parseExitStatus(good)), Number(good));
  for (const bad of ['', '256', '00', '+1', '1.0', 'x', '1 '])
    assert.equal(parseExitStatus(bad).ok, false, bad);
});
