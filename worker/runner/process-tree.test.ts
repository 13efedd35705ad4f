import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { endTree, findTree, type Traces } from './process-tree.js';

const nobody = 2 ** 22 + 1; // above the largest process id there can be (proc(5), pid_max)

test('findTree() finds by cookie and by an open log, and spares who only reads it', async (t) => {
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
  const traces: Traces = { supervisor: nobody, cookie, logs: `${folder}/` };
  const found = (await findTree(traces)).map((p) => p.pid);
  assert.deepEqual(found.sort(), [children.cookie.pid, children.writer.pid].sort());

  assert.deepEqual(await endTree(traces, { seconds: 10 }), []);
  assert.equal(children.reader.exitCode, null);
  children.reader.stdin?.end();
  await Promise.all(ends);
  assert.deepEqual(
    [children.cookie.signalCode, children.writer.signalCode, children.reader.signalCode],
    ['SIGTERM', 'SIGTERM', null],
  );
});
