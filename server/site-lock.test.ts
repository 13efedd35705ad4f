import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { valueOf } from '../model/result.js';
import { takeLock } from './site-lock.js';

async function folderOf(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'soil-lock-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

test('takeLock() has one owner, who is named to others until it is released', async (t) => {
  const folder = await folderOf(t);
  const path = join(folder, 'lock');
  const lock = valueOf(await takeLock(path, 'the site'));
  const second = await takeLock(path, 'the site');
  assert.ok(!second.ok);
  assert.match(second.error, new RegExp(`^cannot take the site: process ${process.pid} has it`));
  await lock.release();
  await valueOf(await takeLock(path, 'the site')).release();
  assert.equal((await readdir(folder)).length, 1);
});

test('takeLock() gives one of many at once the lock', async (t) => {
  const path = join(await folderOf(t), 'lock');
  await writeFile(`${path}.1`, '1 1 another-boot');
  for (let round = 0; round < 50; round++) {
    const taken = await Promise.all(Array.from({ length: 20 }, () => takeLock(path, 'the site')));
    const owners = taken.filter((lock) => lock.ok);
    assert.equal(owners.length, 1, `round ${round}`);
    for (const owner of owners) await owner.value.release();
  }
});

test('takeLock() knows a lock whose process is gone, or whose number another process has now', async (t) => {
  const folder = await folderOf(t);
  const path = join(folder, 'lock');
  const child = spawn('true');
  await once(child, 'exit');
  const lock = valueOf(await takeLock(path, 'the site'));
  const mine = await readFile(`${path}.1`, 'utf8');
  await lock.release();
  const [, start = '', boot = ''] = mine.split(' ');
  for (const stale of [
    `${String(child.pid)} ${start} ${boot}`,
    `${process.pid} 1 ${boot}`,
    `${process.pid} ${start} another-boot`,
    '',
    'nonsense',
  ]) {
    for (const name of await readdir(folder)) await rm(join(folder, name));
    await writeFile(`${path}.7`, stale);
    await valueOf(await takeLock(path, 'the site')).release();
  }
});
