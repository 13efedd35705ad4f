import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { createRedactor } from '../redact/redactor.js';
import { FifoOutput } from './fifo-output.js';
import { FifoReader } from './fifo-reader.js';
import { lateNotice, TaskLog, type TaskLogOptions } from './task-log.js';

const secret = 'swordfish-0123456789';

interface Bench {
  readonly folder: string;
  readonly channel: FifoOutput;
  readonly notices: string[];
  /** runs a script whose stdout and stderr are the pipe of try NUMBER.1, and returns the text of its log after its end */
  readonly run: (number: number, script: string, options?: Partial<TaskLogOptions>) => Promise<string>;
  readonly log: (number: number) => Promise<string>;
}

async function openBench(t: TestContext): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), 'soil-output-'));
  const notices: string[] = [];
  const channel = new FifoOutput({
    folder: join(folder, 'out'),
    spare: { folder: join(folder, 'spare'), environment: process.env },
    report: (text) => notices.push(text),
  });
  t.after(async () => {
    await channel.close().catch(() => undefined);
    await rm(folder, { recursive: true, force: true });
  });
  const file = (number: number): string => join(folder, `${number}.log`);
  const log = (number: number): Promise<string> => readFile(file(number), 'latin1');
  const run: Bench['run'] = async (number, script, options = {}) => {
    const id = { number, try: 1 };
    await channel.begin(id, await TaskLog.create({ file: file(number), ...options }));
    const pipe = join(folder, 'out', `${number}.1`);
    const child = spawn('sh', ['-c', `exec >"$1" 2>&1; ${script}`, 'sh', pipe], { stdio: 'ignore' });
    await once(child, 'exit');
    await channel.end(id);
    return log(number);
  };
  return { folder, channel, notices, run, log };
}

test('FifoOutput logs what a task writes to both outputs, opened again too, in order', async (t) => {
  const { run } = await openBench(t);
  assert.equal(await run(1, 'echo THE REAL ERROR; echo bye >/dev/stderr; exit 1'), 'THE REAL ERROR\nbye\n');
  const lines = Array.from({ length: 300 }, (_, i) => `${i}\n`).join('');
  const teed = await run(2, 'seq 0 299 | tee /dev/stderr');
  assert.equal(teed.length, 2 * lines.length);
  for (const line of lines.trim().split('\n')) {
    assert.equal(teed.split('\n').filter((other) => other === line).length, 2);
  }
  assert.equal(
    await run(3, 'echo a; : >/dev/stdout; echo b >/proc/self/fd/2; echo c >>/dev/stdout'),
    'a\nb\nc\n',
  );
});

test('FifoOutput keeps every byte: binary, without a final line end, and 10 MB in one line', async (t) => {
  const { run } = await openBench(t);
  assert.equal(await run(1, String.raw`printf 'a\0b\377\r\n\033[1mc'`), 'a\0b\xff\r\n\x1b[1mc');
  assert.equal(await run(2, 'head -c 10000000 /dev/zero | tr "\\0" x'), 'x'.repeat(10_000_000));
  assert.equal(await run(3, ':'), '');
});

test('FifoOutput frees the descriptors of a try, and removes its pipe, when no process has it open', async (t) => {
  const { run, folder } = await openBench(t);
  const before = (await readdir('/proc/self/fd')).length;
  for (let i = 1; i <= 100; i++) assert.equal(await run(i, `echo ${i}`), `${i}\n`);
  const after = (await readdir('/proc/self/fd')).length;
  assert.ok(after <= before + 4, `${after} descriptors are open after 100 tries, ${before} before`);
  assert.ok((await readdir(join(folder, 'out'))).length <= 2);
});

test('FifoOutput gives every user the right to open a pipe, whatever the umask', async (t) => {
  const { folder, channel } = await openBench(t);
  const umask = process.umask(0o077);
  try {
    await channel.begin({ number: 1, try: 1 }, await TaskLog.create({ file: join(folder, 'log') }));
  } finally {
    process.umask(umask);
  }
  assert.equal((await stat(join(folder, 'out', '1.1'))).mode & 0o777, 0o666);
  assert.equal((await stat(join(folder, 'out'))).mode & 0o777, 0o755);
});

test('FifoOutput marks what a background process prints later, in the log of its own task', async (t) => {
  const { run, channel, log, folder } = await openBench(t);
  const go = join(folder, 'go');
  const wait = `until [ -e ${go} ]; do sleep 0.01; done`;
  assert.equal(await run(1, `printf now; (${wait}; echo later; touch ${go}.done) &`), 'now');
  assert.equal(await run(2, 'echo second'), 'second\n');
  await once(spawn('sh', ['-c', `touch ${go}; until [ -e ${go}.done ]; do sleep 0.01; done`]), 'exit');
  await channel.close();
  assert.equal(await log(1), `now\n${lateNotice}\nlater\n`);
  assert.equal(await log(2), 'second\n');
});

test('FifoOutput ends a try whose pipe a background process floods', async (t) => {
  const { run, notices } = await openBench(t);
  const flood = await run(1, 'yes flood & echo $! >&2; sleep 0.1');
  process.kill(Number(/\d+/.exec(flood)?.[0]), 'SIGKILL');
  assert.ok(flood.includes('flood\n'));
  assert.deepEqual(notices, []);
});

test('FifoReader ends as stolen if another process has read its mark, however much arrives later', async (t) => {
  const { folder } = await openBench(t);
  for (const later of ['', 'later']) {
    const path = join(folder, `pipe-${later}`);
    await once(spawn('mkfifo', [path]), 'exit');
    let drain: () => void = () => undefined;
    let received = '';
    const reader = new FifoReader(path, {
      write: (bytes) => {
        received += Buffer.from(bytes).toString();
        return false;
      },
      drained: () => new Promise((resolve) => (drain = resolve)),
      beginLate: () => (received += '|'),
    });
    const writer = openSync(path, constants.O_WRONLY);
    writeSync(writer, 'first');
    while (received === '') await new Promise(setImmediate);
    // The sink does not take more, so the worker does not read, and another process can.
    const ended = reader.end();
    const thief = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    assert.equal(readSync(thief, Buffer.alloc(1000)), 32, 'the mark');
    closeSync(thief);
    writeSync(writer, later);
    drain();
    assert.equal(await ended, 'stolen');
    assert.equal(received, `first${later}|`);
    closeSync(writer);
    drain();
    await reader.closed;
  }
});

test('FifoOutput redacts secrets that are split over writes', async (t) => {
  const { run } = await openBench(t);
  const redactor = createRedactor([{ name: 'S', value: secret }]);
  const script = [...secret].map((letter) => `printf ${letter}; sleep 0.008`).join(';');
  assert.equal(await run(1, `echo a; ${script}; echo b`, { redactor }), `a\n${'*'.repeat(20)}b\n`);
});
