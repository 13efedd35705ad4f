import assert from 'node:assert/strict';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createRedactor } from '../redact/redactor.js';
import { redactResults } from './redact-results.js';

const secret = 'swordfish-0123456789';
const redactor = createRedactor([{ name: 'S', value: secret }]);
const chunk = 1024 * 1024;

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

test('redactResults() redacts text files in a copy, leaves out binary files with a secret, and keeps the rest', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'soil-redact-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const texts: Record<string, string> = {
    'clean.txt': 'nothing here',
    'long.txt': longText(),
    'late.txt': `${'x'.repeat(3 * chunk)}${secret}`,
    'binary.bin': `${'x'.repeat(2 * chunk)}\0${'x'.repeat(chunk)}${secret}`,
    'clean.bin': '\0',
  };
  const fileOf = (name: string) => ({ name, open: () => open(join(folder, name)) });
  const files = Object.keys(texts).map(fileOf);
  for (const { name } of files) await writeFile(join(folder, name), texts[name] ?? '');
  const named = { ...fileOf('clean.txt'), name: `a-${secret}.txt` };
  const redacted = await redactResults([...files, named], redactor, (n) => join(folder, `copy-${n}`));
  assert.deepEqual(
    redacted.files.map((file) => file.name),
    ['clean.txt', 'long.txt', 'late.txt', 'clean.bin'],
  );
  assert.equal(redacted.notices.length, 2);
  assert.ok(!redacted.notices.join().includes(secret));
  for (const { name, open: openResult } of redacted.files) {
    const expected = (texts[name] ?? '').replaceAll(secret, '*'.repeat(secret.length));
    const handle = await openResult();
    assert.ok((await handle.readFile('utf8')) === expected, name);
    await handle.close();
    assert.ok((await readFile(join(folder, name), 'utf8')) === texts[name], 'the file itself is unchanged');
  }
});

test('redactResults() refuses a file that changes after it was searched', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'soil-redact-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'a.txt');
  await writeFile(path, 'nothing here');
  const { files } = await redactResults([{ name: 'a.txt', open: () => open(path) }], redactor, () => 'none');
  await writeFile(path, secret);
  const [file] = files;
  assert.ok(file);
  await assert.rejects(file.open(), /^Error: it changed after it was searched for secrets$/);
});
