import assert from 'node:assert/strict';
import { appendFile, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { LogRedactor } from './log-redactor.js';
import { createRedactor } from './redactor.js';

const secret = 'swordfish-0123456789';
const redactor = createRedactor([{ name: 'S', value: secret }]);
const chunk = 1024 * 1024;

async function makeFolder(t: { after: (fn: () => unknown) => void }): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'soil-redact-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A secret at the start, across the end of each chunk, and at the very end. */
function longText(): string {
  const parts = [secret];
  let length = secret.length;
  for (const end of [chunk, 2 * chunk, 3 * chunk]) {
    const fill = 'ü'.repeat((end - 10 - length) >> 1);
    parts.push(fill, secret);
    length += Buffer.byteLength(fill) + secret.length;
  }
  return `${parts.join('')}--${secret}`;
}

test('LogRedactor redacts secrets that span two reads, and changes nothing else', async (t) => {
  const log = join(await makeFolder(t), 'log');
  const text = longText();
  await writeFile(log, text);
  await new LogRedactor(redactor).follow(log)();
  assert.ok((await readFile(log, 'utf8')) === text.replaceAll(secret, '*'.repeat(secret.length)));
});

test('LogRedactor redacts secrets split over writes, appended after the task, and written after a truncation', async (t) => {
  const log = join(await makeFolder(t), 'log');
  await writeFile(log, '');
  const logs = new LogRedactor(redactor);
  const stop = logs.follow(log);
  for (const part of ['a ', ...secret, ' b ', secret.slice(0, 9)]) await appendFile(log, part);
  await stop();
  const asterisks = '*'.repeat(secret.length);
  assert.equal(await readFile(log, 'utf8'), `a ${asterisks} b ${secret.slice(0, 9)}`);
  await appendFile(log, `${secret.slice(9)} c`);
  await logs.finish();
  assert.equal(await readFile(log, 'utf8'), `a ${asterisks} b ${asterisks} c`);
  await truncate(log);
  await appendFile(log, `again ${secret}`);
  await logs.finish();
  assert.equal(await readFile(log, 'utf8'), `again ${asterisks}`);
});

test('LogRedactor rejects when a log cannot be opened', async (t) => {
  const log = join(await makeFolder(t), 'nowhere', 'log');
  await assert.rejects(new LogRedactor(redactor).follow(log)(), /ENOENT/);
});
