import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import { createRedactor } from '../redact/redactor.js';
import { StreamRedactor } from './stream-redactor.js';
import { lateNotice, logIndexPath, TaskLog } from './task-log.js';

const secret = 'swordfish-0123456789';
const redactor = createRedactor([{ name: 'S', value: secret }]);
const stars = '*'.repeat(secret.length);

async function makeFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'soil-log-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

test('TaskLog writes every byte in order, and the line index beside the log', async (t) => {
  const file = join(await makeFolder(t), 'log');
  const log = await TaskLog.create({ file });
  const pieces = Array.from({ length: 3000 }, (_, i) => `${i}:${'x'.repeat(i % 2000)}\n`);
  for (const piece of pieces) if (!log.write(Buffer.from(piece))) await log.drained();
  await log.flush();
  assert.equal(await readFile(file, 'utf8'), pieces.join(''));
  const index = await log.close();
  assert.equal(index.lines, pieces.length);
  assert.deepEqual(JSON.parse(await readFile(logIndexPath(file), 'utf8')), index);
});

test('TaskLog does not replace a file, and respects the umask', async (t) => {
  const file = join(await makeFolder(t), 'log');
  const umask = process.umask(0o077);
  const log = await TaskLog.create({ file }).finally(() => process.umask(umask));
  await log.close();
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  await assert.rejects(TaskLog.create({ file }), /EEXIST/);
});

test('TaskLog redacts secrets across pieces, chunks of a megabyte, and the end of a flush', async (t) => {
  const file = join(await makeFolder(t), 'log');
  const log = await TaskLog.create({ file, redactor });
  const chunk = 1024 * 1024;
  const parts = [secret];
  let length = secret.length;
  for (const end of [chunk, 2 * chunk, 3 * chunk]) {
    const fill = 'ü'.repeat((end - 10 - length) >> 1);
    parts.push(fill, secret);
    length += Buffer.byteLength(fill) + secret.length;
  }
  const bytes = Buffer.from(`${parts.join('')}--${secret.slice(0, 9)}`);
  for (let at = 0; at < bytes.length; at += 65_536) {
    if (!log.write(bytes.subarray(at, at + 65_536))) await log.drained();
  }
  await log.flush();
  assert.ok((await readFile(file, 'utf8')) === bytes.toString().replaceAll(secret, stars));
  await log.close();
});

test('TaskLog marks late output once, on a line of its own', async (t) => {
  const file = join(await makeFolder(t), 'log');
  const log = await TaskLog.create({ file });
  log.write(Buffer.from('no line end'));
  log.beginLate();
  await log.flush();
  assert.equal(await readFile(file, 'utf8'), 'no line end');
  log.write(Buffer.from('late 1\n'));
  log.write(Buffer.from('late 2\n'));
  const index = await log.close();
  assert.equal(await readFile(file, 'utf8'), `no line end\n${lateNotice}\nlate 1\nlate 2\n`);
  assert.equal(index.lateLine, 2);
});

test('StreamRedactor redacts what a search of the whole text finds, wherever it is split', () => {
  const values = ['123124', '124789', 'a long secret value with base64 forms'];
  const search = createRedactor(values.map((value) => ({ name: 'S', value })));
  const encoded = Buffer.from(`..${values[2] ?? ''}`)
    .toString('base64')
    .replace(/.{20}/g, '$&\n');
  const part = fc.constantFrom(...values, encoded, '123', '124', '7', '89', '\n');
  fc.assert(
    fc.property(fc.array(part), fc.infiniteStream(fc.integer({ min: 1, max: 30 })), (parts, sizes) => {
      const text = parts.join('');
      const redactor = new StreamRedactor(search);
      let held = Buffer.alloc(0);
      let shown = '';
      for (let at = 0; at < text.length;) {
        const size = Number(sizes.next().value);
        const bytes = Buffer.concat([held, Buffer.from(text.slice(at, at + size))]);
        const final = redactor.redact(bytes, false);
        shown += bytes.toString('utf8', 0, final);
        held = bytes.subarray(final);
        at += size;
      }
      redactor.redact(held, true);
      assert.equal(shown + held.toString(), search.redact(text));
    }),
  );
});
