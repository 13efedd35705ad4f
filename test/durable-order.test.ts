import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startServer, type RunningServer } from './soil-server.js';
import { parseTrace, traceCalls, type SystemCall } from './syscalls.js';
import { formOf, shellJob } from './upload-form.js';

let server: RunningServer;
before(async () => {
  server = await startServer();
});
after(async () => {
  await server.close();
});

const headers = () => ({ Authorization: `Bearer ${server.token}` });

const one = (calls: readonly SystemCall[], what: string, is: (call: SystemCall) => boolean): SystemCall => {
  const found = calls.find(is);
  assert.ok(found, `no ${what} in\n${calls.map(({ text }) => text).join('\n')}`);
  return found;
};

const isSync = ({ name }: SystemCall): boolean => name === 'fsync' || name === 'fdatasync';
const isRename = ({ name }: SystemCall): boolean => name.startsWith('rename');
const isAnswer = (status: number) => (call: SystemCall) =>
  /^(write|writev|sendto|sendmsg)$/.test(call.name) && call.text.includes(`HTTP/1.1 ${status}`);
const isLogSync = (call: SystemCall): boolean => isSync(call) && /\.jsonl>/.test(call.text);
const isLogLine = (call: SystemCall): boolean => /^p?write/.test(call.name) && /\.jsonl>/.test(call.text);

function assertOrder(first: SystemCall, then: SystemCall): void {
  assert.ok(first.end < then.begin, `not in this order:\n${first.text}\n${then.text}`);
}

test('parseTrace() joins the two lines of a call that another one came between', () => {
  const calls = parseTrace(
    '7 fsync(3</a> <unfinished ...>\n8 write(1</b>, "x", 1) = 1\n7 <... fsync resumed>) = 0\n',
  );
  assert.deepEqual(
    calls.map(({ name, begin, end }) => [name, begin, end]),
    [
      ['fsync', 0, 2],
      ['write', 1, 1],
    ],
  );
});

test('an upload is on the disk before it is answered: files before their names, JSON last, then the folder and the log', async () => {
  const job = await shellJob({ GITHUB_RUN_NUMBER: '4100', GITHUB_RUN_ID: '41000' });
  const calls = await traceCalls(server.pid, join(server.site, '..', 'upload.trace'), async () => {
    const url = new URL(`results?jobName=${job.job}&workerHost=github`, server.url);
    const answer = await fetch(url, { method: 'POST', headers: headers(), body: formOf(job) });
    assert.equal(answer.status, 201);
    await answer.text();
  });
  const answer = one(calls, 'answer', isAnswer(201));
  const renameOf = (suffix: string): SystemCall =>
    one(
      calls,
      `rename to .${suffix}`,
      (call) => isRename(call) && call.text.includes(`/4100/dev-minimal.${suffix}"`),
    );
  const json = renameOf('json');
  for (const suffix of ['wwz', 'tsv', 'json']) {
    const synced = one(
      calls,
      `fsync of ${suffix}`,
      (call) => isSync(call) && call.text.includes(`/job.${suffix}>`),
    );
    assertOrder(synced, renameOf(suffix));
    if (suffix !== 'json') assertOrder(renameOf(suffix), json);
  }
  const isFolder = (call: SystemCall): boolean => isSync(call) && /github-jobs\/4100>/.test(call.text);
  one(
    calls,
    'fsync of the folder between the others and the JSON',
    (call) => isFolder(call) && call.begin > renameOf('tsv').end && call.end < json.begin,
  );
  const named = one(
    calls,
    'fsync of the folder behind the JSON',
    (call) => isFolder(call) && call.begin > json.end,
  );
  assertOrder(named, answer);
  const line = one(calls, 'line of the log', isLogLine);
  const logged = one(calls, 'fsync of the log', isLogSync);
  assertOrder(line, logged);
  assertOrder(logged, answer);
});

test('an event is in the log, and the log on the disk, before it is answered', async () => {
  const fields = {
    eventName: 'start',
    workerHost: 'github',
    runId: '41990',
    runNumber: '4199',
    jobName: 'cpp-small',
  };
  const calls = await traceCalls(server.pid, join(server.site, '..', 'event.trace'), async () => {
    const url = new URL(`event?${new URLSearchParams(fields).toString()}`, server.url);
    const answer = await fetch(url, { method: 'POST', headers: headers() });
    assert.equal(answer.status, 200);
    await answer.text();
  });
  const answer = one(calls, 'answer', isAnswer(200));
  const line = one(calls, 'line of the log', isLogLine);
  const logged = one(calls, 'fsync of the log', isLogSync);
  assertOrder(line, logged);
  assertOrder(logged, answer);
});
