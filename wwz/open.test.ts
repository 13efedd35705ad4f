import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { buildZip } from '../test/zip-builder.js';
import { plainBody } from './body.js';
import { listFolder } from './folder.js';
import { openWwz, type WwzFile } from './open.js';

let folder = '';

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'soil-open-'));
});
after(async () => {
  await rm(folder, { recursive: true });
});

async function openBuilt(bytes: Buffer): Promise<WwzFile> {
  const path = join(folder, 'a.wwz');
  await writeFile(`${path}.new`, bytes);
  await rename(`${path}.new`, path);
  const opened = await openWwz(path);
  assert.ok(opened.ok, opened.ok ? '' : opened.error);
  return opened.value;
}

async function read(file: WwzFile, name: string): Promise<string> {
  const entry = file.find(name);
  assert.ok(entry);
  const dataOffset = await file.dataOffset(entry);
  assert.ok(dataOffset.ok);
  const body = await plainBody({ source: file, entry, dataOffset: dataOffset.value });
  assert.ok(Buffer.isBuffer(body));
  return body.toString();
}

test('openWwz() finds entries by name, even if the directory is far from the end', async () => {
  const file = await openBuilt(
    buildZip(
      Array.from({ length: 3000 }, (_, i) => ({ name: `folder/file-${i}`, content: `content ${i}` })),
      { comment: Buffer.alloc(60_000, 'long comment') },
    ),
  );
  assert.equal(await read(file, 'folder/file-0'), 'content 0');
  assert.equal(await read(file, 'folder/file-2999'), 'content 2999');
  assert.equal(file.find('folder/file-3000'), undefined);
  assert.equal(file.find('__proto__'), undefined);
  await file.close();
});

test('WwzFile reads the old file after another one replaced it', async () => {
  const old = await openBuilt(buildZip([{ name: 'a', content: 'old' }]));
  const replaced = await openBuilt(buildZip([{ name: 'a', content: 'new' }]));
  assert.notEqual(old.identity, replaced.identity);
  assert.equal(await read(old, 'a'), 'old');
  assert.equal(await read(replaced, 'a'), 'new');
  await Promise.all([old.close(), replaced.close()]);
});

test('openWwz() rejects a missing file, a folder, a FIFO and a file that is not a zip', async () => {
  await promisify(execFile)('mkfifo', [join(folder, 'fifo')]);
  await writeFile(join(folder, 'text'), 'text');
  for (const [name, reason] of [
    ['missing', /cannot open ".*missing": ENOENT/],
    ['.', /not a regular file/],
    ['fifo', /cannot open ".*fifo": not a regular file/],
    ['text', /cannot open ".*text": cannot read the zip: no end of central directory/],
  ] as const) {
    const opened = await openWwz(join(folder, name));
    assert.match(opened.ok ? '' : opened.error, reason);
  }
});

test('listFolder() lists files and folders, and no siblings', () => {
  const names = ['a', 'a-b/x', 'a.txt', 'b/', 'b/c/d', 'b/c/e', 'b/c.txt', 'b/f'].sort();
  assert.deepEqual(listFolder(names, ''), { folders: ['a-b', 'b'], files: ['a', 'a.txt'] });
  assert.deepEqual(listFolder(names, 'b/'), { folders: ['c'], files: ['c.txt', 'f'] });
  assert.deepEqual(listFolder(names, 'b/c/'), { folders: [], files: ['d', 'e'] });
  for (const nothing of ['a/', 'c/', 'b/f/']) assert.equal(listFolder(names, nothing), undefined);
  assert.deepEqual(listFolder([], ''), { folders: [], files: [] });
});
