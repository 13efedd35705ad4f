import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatEvent, parseEvent } from './event.js';
import { valueOf } from './result.js';

const form = (query: string) => [...new URLSearchParams(query)] as [string, string][];

test('parseEvent() parses events of GitHub and sourcehut', () => {
  const start = valueOf(parseEvent(form('eventName=start&workerHost=github&runId=1234&jobName=dev-minimal')));
  assert.deepEqual(start, {
    name: 'start',
    host: 'github',
    job: 'dev-minimal',
    runId: '1234',
    attempt: 1,
    updateStatusApi: false,
    expectedJobs: [],
  });
  const sourcehut = valueOf(
    parseEvent(form('eventName=start&workerHost=sourcehut&jobId=345&jobName=dev-minimal')),
  );
  assert.equal(sourcehut.jobId, '345');
  const done = valueOf(
    parseEvent(form('eventName=done&workerHost=github&runId=1234&jobName=x&status=124&updateStatusApi=1')),
  );
  assert.equal(done.status, 124);
  assert.equal(done.updateStatusApi, true);
});

test('parseEvent() inverts formatEvent()', () => {
  for (const query of [
    'eventName=start&workerHost=github&jobName=a&runId=9&runNumber=3&attempt=2&commit=abcdef1&branch=x%2Fé&expectedJobs=a,b',
    'eventName=task-done&workerHost=local&jobName=a&runId=night&task=unit+tests&status=0',
    'eventName=done&workerHost=sourcehut&jobName=a&jobId=3&status=1&updateStatusApi=1',
    'eventName=start&workerHost=local&jobName=a&runId=r1&live=0',
  ]) {
    const event = valueOf(parseEvent(form(query)));
    assert.deepEqual(valueOf(parseEvent(formatEvent(event))), event);
    assert.equal(String(new URLSearchParams(formatEvent(event))), String(new URLSearchParams(query)));
  }
});

const base = 'workerHost=github&jobName=a&runId=1';
const refused: [string, string][] = [
  [base, 'cannot accept eventName "": it must be one of start, pull-begin'],
  [`eventName=stop&${base}`, 'cannot accept eventName "stop"'],
  [`eventName=start&${base}&jobName=b`, 'cannot accept field "jobName": duplicate field'],
  [`eventName=start&${base}&color=red`, 'cannot accept field "color": it must be one of'],
  ['eventName=start&workerHost=travis&jobName=a&runId=1', 'cannot accept workerHost "travis"'],
  ['eventName=start&workerHost=github&jobName=..&runId=1', 'cannot accept jobName ".."'],
  ['eventName=start&workerHost=github&jobName=a', 'cannot accept the event: runId is missing'],
  ['eventName=start&workerHost=sourcehut&jobName=a&runId=1', 'cannot accept the event: jobId is missing'],
  [`eventName=done&${base}`, 'cannot accept the event: status is missing'],
  [`eventName=done&${base}&status=-1`, 'cannot accept status "-1"'],
  [`eventName=done&${base}&status=0&updateStatusApi=yes`, 'cannot accept updateStatusApi "yes"'],
  [`eventName=start&${base}&live=no`, 'cannot accept live "no"'],
  [`eventName=start&${base}&attempt=0`, 'cannot accept attempt "0"'],
  [`eventName=start&${base}&commit=HEAD`, 'cannot accept commit "HEAD"'],
  [`eventName=start&${base}&expectedJobs=a,../b`, 'cannot accept expectedJobs "../b"'],
  [
    'eventName=start&workerHost=local&jobName=a&runId=index.html',
    'cannot accept runId "index.html": it ends in',
  ],
  [
    `eventName=start&${base}&expectedJobs=${Array.from({ length: 1001 }, (_, i) => `j${i}`).join(',')}`,
    'cannot accept expectedJobs: it has 1001 names, more than 1000',
  ],
  [`eventName=start&${base}&branch=${'b'.repeat(4001)}`, 'cannot accept branch "bbb'],
  ['eventName=start&workerHost=local&jobName=a&runId=x-2', 'cannot accept runId "x-2": it ends with'],
];

test('parseEvent() names the field, the value and the reason of a refusal', () => {
  for (const [query, error] of refused) {
    const result = parseEvent(form(query));
    assert.ok(!result.ok, query);
    assert.ok(result.error.startsWith(error), result.error);
  }
});
