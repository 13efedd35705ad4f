import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRunId } from '../../../model/name.js';
import { runPage } from '../../../model/path.js';
import { valueOf } from '../../../model/result.js';
import { absent, job, running, task, type SampleJob } from '../../../test/sample-job.js';
import { listFailures } from './failure-list.js';

const page = runPage({ host: 'github', name: valueOf(parseRunId('1')) });
const listOf = (...jobs: readonly SampleJob[]) =>
  listFailures(
    jobs.map((sample) => ({ job: sample, rows: sample.rows, problems: sample.problems })),
    page,
  );
const linesOf = (...jobs: readonly SampleJob[]) =>
  listOf(...jobs).shown.map(
    ({ mark, name, job, reason }) => `${mark.css} ${job.text}: ${name ?? `all, ${reason ?? ''}`}`,
  );

const unit = task('passed', 'unit', 1);

test('listFailures() lists a job whose tasks do not explain its outcome', () => {
  const reason = 'cannot pull image "x": manifest unknown';
  const rows: readonly (readonly [SampleJob, string])[] = [
    [job('no-image', [], { outcome: 'error', reason }), `error no-image: all, ${reason}`],
    [job('killed', [unit], { outcome: 'error' }, ['cannot read x']), 'error killed: all, cannot read x'],
    [job('none', [], {}), 'empty none: all, no task ran'],
    [absent('gone', 'lost'), 'lost gone: all, no more events; 0 tasks done'],
  ];
  for (const [sample, line] of rows) assert.deepEqual(linesOf(sample), [line]);
});

test('listFailures() lists only the task if it explains the outcome of its job', () => {
  const failed = job('a', [unit, task('failed', 'spec', 2, { status: 1 })], {});
  assert.deepEqual(linesOf(failed), ['failed a: spec']);
  const stopped = job('b', [unit, task('cancelled', 'spec', 2, { status: 130 })], { reason: 'SIGTERM' });
  assert.deepEqual(linesOf(stopped), ['cancelled b: spec']);
});

test('listFailures() lists both if a task failed and its job has another outcome', () => {
  const rows = [task('failed', 'spec', 2, { status: 1 })];
  const killed = job('a', rows, { outcome: 'error', reason: 'the engine killed the container' });
  assert.deepEqual(linesOf(killed), ['error a: all, the engine killed the container', 'failed a: spec']);
});

test('listFailures() leaves out passed, running and expected jobs', () => {
  const flaky = job('b', [task('flaky', 'unit', 1, { tries: 2 })], {});
  assert.deepEqual(linesOf(job('a', [unit], {}), flaky, running('c', 1, 2), absent('d', 'expected')), []);
});

test('listFailures() sorts by severity, and counts the failures beyond its limit', () => {
  const many = job(
    'many',
    Array.from({ length: 60 }, (_, i) => task('failed', `case-${i}`, 1, { status: 1 })),
    {},
  );
  const { shown, more } = listOf(many, absent('gone', 'lost'), job('z', [], { outcome: 'error' }));
  assert.equal(shown.length + more, 62);
  assert.equal(shown[0]?.job.text, 'z');
  assert.equal(shown[1]?.name, 'case-0');
});
