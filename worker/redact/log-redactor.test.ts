import assert from 'node:assert/strict';
import { appendFile, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { sampleRecord, task } from '../../test/sample-job.js';
import { formatRecord } from '../../model/record.js';
import { LogRedactor } from './log-redactor.js';
import { createRedactor } from './redactor.js';
import { redactProgress, redactRecord, redactRow } from '../record/redact-record.js';
import { redactResults } from '../record/redact-results.js';

const secret = 'swordfish-0123456789';
const mask = createRedactor([{ name: 'S', value: secret }]);
const chunk = 1024 * 1024;

async function makeFolder(t: { after: (fn: () => unknown) => void }): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'soil-mask-'));
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

test('LogMasks hides what stands across the ends of reads, and changes nothing else', async (t) => {
  const log = join(await makeFolder(t), 'log');
  const text = longText();
  await writeFile(log, text);
  await new LogRedactor(mask).follow(log)();
  assert.ok((await readFile(log, 'utf8')) === text.replaceAll(secret, '*'.repeat(secret.length)));
});

test('LogMasks hides what is split over writes, what comes after the end, and what follows a cut', async (t) => {
  const log = join(await makeFolder(t), 'log');
  await writeFile(log, '');
  const masks = new LogRedactor(mask);
  const end = masks.follow(log);
  for (const part of ['a ', ...secret, ' b ', secret.slice(0, 9)]) await appendFile(log, part);
  await end();
  const hidden = '*'.repeat(secret.length);
  assert.equal(await readFile(log, 'utf8'), `a ${hidden} b ${secret.slice(0, 9)}`);
  await appendFile(log, `${secret.slice(9)} c`);
  await masks.finish();
  assert.equal(await readFile(log, 'utf8'), `a ${hidden} b ${hidden} c`);
  await truncate(log);
  await appendFile(log, `again ${secret}`);
  await masks.finish();
  assert.equal(await readFile(log, 'utf8'), `again ${hidden}`);
});

test('LogMasks tells where a log cannot be searched', async (t) => {
  const log = join(await makeFolder(t), 'nowhere', 'log');
  await assert.rejects(new LogRedactor(mask).follow(log)(), /ENOENT/);
});

test('maskResults() masks text in a copy, leaves out what is no text, and takes the rest as it is', async (t) => {
  const folder = await makeFolder(t);
  const texts: Record<string, string> = {
    'clean.txt': 'nothing here',
    'long.txt': longText(),
    'late.txt': `${'x'.repeat(3 * chunk)}${secret}`,
    'binary.bin': `${'x'.repeat(2 * chunk)}\0${'x'.repeat(chunk)}${secret}`,
    'clean.bin': '\0',
  };
  const files = Object.keys(texts).map((name) => ({ name, path: join(folder, name) }));
  for (const { name, path } of files) await writeFile(path, texts[name] ?? '');
  const named = { name: `a-${secret}.txt`, path: join(folder, 'clean.txt') };
  const masked = await redactResults([...files, named], mask, (n) => join(folder, `copy-${n}`));
  assert.deepEqual(
    masked.files.map((file) => file.name),
    ['clean.txt', 'long.txt', 'late.txt', 'clean.bin'],
  );
  assert.equal(masked.notices.length, 2);
  assert.ok(!masked.notices.join().includes(secret));
  for (const { name, path } of masked.files) {
    const wanted = (texts[name] ?? '').replaceAll(secret, '*'.repeat(secret.length));
    assert.ok((await readFile(path, 'utf8')) === wanted, name);
    assert.ok((await readFile(join(folder, name), 'utf8')) === texts[name], 'the file itself stays');
  }
});

test('maskRecord(), maskRow() and maskProgress() leave no secret, and change no address', () => {
  const record = {
    ...sampleRecord,
    ...{ commitLine: `use ${secret}`, branch: `b-${secret}`, reason: secret, ref: `refs/heads/b-${secret}` },
    pullRequest: { number: '1', headRef: secret },
    image: { name: 'x', engine: 'podman' as const, layers: [{ bytes: 1, command: `ENV A=${secret}` }] },
    tasks: [{ name: 't', run: `curl -u x:${secret}` }],
  };
  const masked = redactRecord(record, mask);
  assert.ok(!formatRecord(masked).includes(secret));
  assert.deepEqual(
    [masked.job, masked.commit, masked.runId, masked.attempt, masked.tasks[0]?.name],
    [record.job, record.commit, record.runId, record.attempt, 't'],
  );
  const row = task('failed', 't', 1, { script: secret, action: `-x ${secret}` });
  assert.ok(!JSON.stringify(redactRow(row, mask)).includes(secret));
  for (const progress of [
    { kind: 'notice', text: secret },
    { kind: 'done', outcome: 'error', status: 125, reason: secret },
    { kind: 'task-done', row, logFile: '/x' },
  ] as const) {
    assert.ok(!JSON.stringify(redactProgress(progress, mask)).includes(secret));
  }
});
