import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { valueOf } from '../model/result.js';
import { takeLock } from './process-lock.js';

async function folderOf(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'soil-lock-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

test('takeLock() names the owner to other processes until it is released', async (t) => {
  const folder = await folderOf(t);
  const path = join(folder, 'lock');
  const lock = valueOf(await takeLock(path, 'the site'));
  const second = await takeLock(path, 'the site');
  assert.ok(!second.ok);
  assert.match(second.error, new RegExp(`^cannot lock the site: process ${process.pid} holds the lock`));
  await lock.release();
  await valueOf(await takeLock(path, 'the site')).release();
  assert.equal((await readdir(folder)).length, 1);
});

test('takeLock() gives the lock to one of many concurrent callers', async (t) => {
  const path = join(await folderOf(t), 'lock');
  await writeFile(`${path}.1`, '1 1 another-boot');
  for (let round = 0; round < 50; round++) {
    const taken = await Promise.all(Array.from({ length: 20 }, () => takeLock(path, 'the site')));
    const owners = taken.filter((lock) => lock.ok);
    assert.equal(owners.length, 1, `round ${round}`);
    for (const owner of owners) await owner.value.release();
  }
});

test('takeLock() recognizes a living owner in another container, and its end', async (t) => {
  // Longer than a socket's address may be.
  const folder = join(await folderOf(t), 'f'.repeat(120));
  await mkdir(folder);
  const path = join(folder, 'lock');
  const held = valueOf(await takeLock(path, 'the site'));
  const words = (await readFile(`${path}.1`, 'utf8')).split(' ');
  // As in another container, where the number is of no process, or of another.
  await writeFile(`${path}.1`, ['1', '1', ...words.slice(2)].join(' '));
  const refused = await takeLock(path, 'the site');
  assert.ok(!refused.ok);
  assert.match(refused.error, /^cannot lock the site: process 1 of another container holds the lock/);
  await held.release();
  await valueOf(await takeLock(path, 'the site')).release();
  assert.deepEqual(await readdir(folder), ['lock.2']);
});

test('takeLock() takes the lock of an owner that was killed, and removes its socket', async (t) => {
  const folder = await folderOf(t);
  const path = join(folder, 'lock');
  const script = `import(${JSON.stringify(new URL('process-lock.js', import.meta.url).href)})
    .then((m) => m.takeLock(process.argv[1], 'x')).then(() => { setInterval(() => {}, 1e6); console.log('has it'); });`;
  const child = spawn(process.execPath, ['--eval', script, path]);
  await once(child.stdout, 'data');
  assert.ok(!(await takeLock(path, 'the site')).ok);
  const words = (await readFile(`${path}.1`, 'utf8')).split(' ');
  await writeFile(`${path}.1`, ['1', '1', ...words.slice(2)].join(' '));
  assert.ok(!(await takeLock(path, 'the site')).ok);
  child.kill('SIGKILL');
  await once(child, 'exit');
  await valueOf(await takeLock(path, 'the site')).release();
  assert.deepEqual(await readdir(folder), ['lock.2']);
});

test('takeLock() takes a lock whose process is dead, or whose number another process has', async (t) => {
  const folder = await folderOf(t);
  const path = join(folder, 'lock');
  const child = spawn('true');
  await once(child, 'exit');
  const lock = valueOf(await takeLock(path, 'the site'));
  const mine = await readFile(`${path}.1`, 'utf8');
  await lock.release();
  const [, start = '', boot = '', socket = ''] = mine.split(' ');
  for (const stale of [
    `${String(child.pid)} ${start} ${boot}`,
    `${process.pid} 1 ${boot}`,
    `${process.pid} ${start} another-boot`,
    `${process.pid} 1 ${boot} ${socket}`,
    `${process.pid} 1 ${boot} ../../x`,
    '',
    'nonsense',
  ]) {
    for (const name of await readdir(folder)) await rm(join(folder, name));
    await writeFile(`${path}.7`, stale);
    await valueOf(await takeLock(path, 'the site')).release();
  }
});

test('takeLock() takes the lock of a process that was killed and that its parent does not reap', async (t) => {
  const folder = await folderOf(t);
  const path = join(folder, 'lock');
  const script = `import(${JSON.stringify(new URL('process-lock.js', import.meta.url).href)})
    .then((m) => m.takeLock(process.argv[1], 'x')).then(() => { setInterval(() => {}, 1e6); console.log(process.pid); });`;
  // The shell starts the owner and becomes a program that never waits for it.
  const parent = spawn(
    'sh',
    ['-c', '"$0" --eval "$1" "$2" & exec sleep 600', process.execPath, script, path],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  t.after(() => parent.kill('SIGKILL'));
  const owner = Number(String((await once(parent.stdout, 'data'))[0]));
  assert.ok(!(await takeLock(path, 'the site')).ok);
  process.kill(owner, 'SIGKILL');
  while (!/^State:\s+Z/m.test(await readFile(`/proc/${owner}/status`, 'utf8'))) await setImmediate();
  await valueOf(await takeLock(path, 'the site')).release();
  assert.match(await readFile(`/proc/${owner}/status`, 'utf8'), /^State:\s+Z/m);
});
