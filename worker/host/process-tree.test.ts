import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { killTree, findProcesses, type ProcessMarks } from './process-tree.js';

const noProcess = 2 ** 22 + 1; // above the largest pid (proc(5), pid_max)

test('findProcesses() finds processes by cookie and by an open log, not those that only read the log', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'soil-logs-'));
  const log = await open(join(folder, 'log'), 'a');
  const reader = await open(join(folder, 'log'), 'r');
  t.after(async () => {
    await Promise.all([log.close(), reader.close()]);
    await rm(folder, { recursive: true, force: true });
  });
  const cookie = `cookie${process.pid}x${Date.now()}`;
  const hold = 'echo up; read x';
  const children = {
    cookie: spawn('sh', ['-c', hold], { env: { ...process.env, WORD: cookie }, detached: true }),
    writer: spawn('sh', ['-c', hold], { stdio: ['pipe', 'pipe', log.fd], detached: true }),
    reader: spawn('sh', ['-c', hold], { stdio: ['pipe', 'pipe', 'pipe', reader.fd], detached: true }),
  };
  const ends = Object.values(children).map((child) => once(child, 'exit'));
  await Promise.all(
    Object.values(children).map(async ({ stdout }) => {
      assert.ok(stdout !== null);
      await once(createInterface(stdout), 'line');
    }),
  );
  const marks: ProcessMarks = { supervisor: noProcess, cookie, logs: `${folder}/` };
  const found = (await findProcesses(marks)).map((p) => p.pid);
  assert.deepEqual(found.sort(), [children.cookie.pid, children.writer.pid].sort());

  assert.deepEqual(await killTree(marks, { seconds: 10 }), []);
  assert.equal(children.reader.exitCode, null);
  children.reader.stdin?.end();
  await Promise.all(ends);
  assert.deepEqual(
    [children.cookie.signalCode, children.writer.signalCode, children.reader.signalCode],
    ['SIGTERM', 'SIGTERM', null],
  );
});
