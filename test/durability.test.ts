import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { must, soilServer } from './command.js';
import { parseTrace, type SystemCall } from './strace.js';
import { formOf, shellJob } from './upload-form.js';

let root: string;
/** the trace of a server that received one upload, one event and one artifact */
let calls: readonly SystemCall[];
before(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'soil-trace-')));
  const site = join(root, 'site');
  await must(process.execPath, [soilServer, 'init', '--site', site]);
  const trace = join(root, 'trace');
  const kinds = 'trace=fsync,fdatasync,rename,renameat,renameat2,write,writev,sendto,sendmsg,pwrite64';
  const child = spawn(
    'strace',
    [
      ...['-f', '-y', '-s', '200', '-e', kinds, '-o', trace],
      ...[process.execPath, soilServer, 'serve', '--site', site, '--port', '0', '--open-on-loopback'],
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const ended = once(child, 'exit');
  let pid = 0;
  const url = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).on('line', (line) => {
      const found = / at (http:\S+)$/.exec(line)?.[1];
      if (found !== undefined) resolve(found);
    });
    ended.then(() => {
      reject(new Error('the server ended before it listened'));
    }, reject);
  });
  // strace passes on no signal, so send it to its child.
  pid = Number((await readFile(`/proc/${child.pid ?? 0}/task/${child.pid ?? 0}/children`, 'utf8')).trim());
  const job = await shellJob();
  const uploaded = await fetch(`${url}results?jobName=${job.job}&workerHost=github`, {
    method: 'POST',
    body: formOf(job),
  });
  assert.equal(uploaded.status, 201, await uploaded.text());
  const response = await fetch(
    `${url}event?eventName=start&workerHost=github&jobName=traced&runId=77&runNumber=78`,
    { method: 'POST' },
  );
  assert.equal(response.status, 200, await response.text());
  const published = await fetch(`${url}artifacts/github/${'c'.repeat(40)}/out.bin`, {
    method: 'PUT',
    body: 'an artifact',
  });
  assert.equal(published.status, 201, await published.text());
  process.kill(pid, 'SIGTERM');
  await ended;
  calls = parseTrace(await readFile(trace, 'utf8'));
});
after(async () => {
  await rm(root, { recursive: true, force: true });
});

/** Returns the only call that matches, and asserts that it succeeded. */
function one(name: RegExp, args: RegExp): SystemCall {
  const found = calls.filter((call) => name.test(call.name) && args.test(call.args));
  assert.equal(found.length, 1, `${String(name)} ${String(args)}: ${JSON.stringify(found)}`);
  const [call] = found;
  assert.ok(call !== undefined && !call.result.startsWith('-1'), JSON.stringify(call));
  return call;
}

const rename = (to: RegExp): SystemCall => one(/^rename/, new RegExp(`, "[^"]*${to.source}"`));

function inOrder(...steps: readonly SystemCall[]): void {
  for (const [index, step] of steps.entries()) {
    const next = steps[index + 1];
    if (next === undefined) continue;
    assert.ok(
      step.ended < next.began,
      `${JSON.stringify(step)} must end before ${JSON.stringify(next)} begins`,
    );
  }
}

/** Returns the calls that began after one call and ended before another. */
const between = (a: SystemCall, b: SystemCall, name: RegExp, args: RegExp): readonly SystemCall[] =>
  calls.filter((c) => c.began > a.ended && c.ended < b.began && name.test(c.name) && args.test(c.args));

const logLine = (text: RegExp): SystemCall =>
  one(/^p?write(64)?$/, new RegExp(`\\.soil/log/[^>]*>, "[^\\n]*${text.source}`));

const answers = (status: number): readonly SystemCall[] =>
  calls.filter(
    (c) => /^(write|writev|sendto|sendmsg)$/.test(c.name) && c.args.includes(`HTTP/1.1 ${status}`),
  );

test('an upload syncs its files before it renames them, JSON last, then syncs folder and log, then responds', () => {
  const moves = ['wwz', 'tsv', 'json'].map((suffix) =>
    rename(new RegExp(`github-jobs/1234/dev-minimal\\.${suffix}`)),
  );
  const [wwz, tsv, json] = moves;
  assert.ok(wwz !== undefined && tsv !== undefined && json !== undefined);
  for (const suffix of ['wwz', 'tsv', 'json']) {
    inOrder(one(/^fsync$/, new RegExp(`\\.soil/staging/[^>]*job\\.${suffix}>`)), wwz);
  }
  inOrder(wwz, tsv, json);
  const folder = /github-jobs\/1234>/;
  // wwz and TSV are durable under their names before the JSON is renamed: a power cut can lose the last rename only.
  assert.equal(between(tsv, json, /^fsync$/, folder).length, 1);
  const line = logLine(/\\"kind\\":\\"record\\"|\\"record\\"/);
  assert.ok(between(json, line, /^fsync$/, folder).length >= 1, 'the folder is synced after the JSON');
  const [answer] = answers(201);
  assert.ok(answer !== undefined);
  assert.ok(
    between(line, answer, /^fdatasync$/, /\.soil\/log\//).length >= 1,
    'the log is synced before the answer',
  );
});

test('an upload syncs the parents of a new folder before it fills the folder', () => {
  const first = rename(/github-jobs\/1234\/dev-minimal\.wwz/);
  for (const parent of [/\/site\/github-jobs>/, /\/site>/]) {
    assert.ok(
      calls.some((c) => c.name === 'fsync' && parent.test(c.args) && c.ended < first.began),
      String(parent),
    );
  }
});

test('an event syncs its line before the response', () => {
  const line = logLine(/traced/);
  const [answer] = answers(200);
  assert.ok(answer !== undefined);
  assert.ok(between(line, answer, /^fdatasync$/, /\.soil\/log\//).length >= 1);
});

test('an artifact syncs its line, then its name, then its folder before the response', () => {
  const move = rename(/commits\/c{40}\/out\.bin/);
  const line = logLine(/out\.bin/);
  inOrder(one(/^fsync$/, /\.soil\/staging\/[^>]*artifact>/), move);
  assert.ok(between(line, move, /^fdatasync$/, /\.soil\/log\//).length >= 1);
  const answer = answers(201)[1];
  assert.ok(answer !== undefined);
  assert.ok(between(move, answer, /^fsync$/, /commits\/c{40}>/).length >= 1);
});

test('the snapshot is synced before it is renamed', () => {
  const named = rename(/\.soil\/snapshot\.jsonl/);
  const [, temporary = ''] = /"([^"]*)"/.exec(named.args) ?? [];
  assert.ok(
    calls.some((c) => c.name === 'fsync' && c.args.includes(temporary) && c.ended < named.began),
    temporary,
  );
});
