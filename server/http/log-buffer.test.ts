import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LogBuffer } from './log-buffer.js';

/** Writes, and who waits for the next one. */
function collect() {
  const writes: string[] = [];
  let wake = (): void => undefined;
  const write = (lines: string): void => {
    writes.push(lines);
    wake();
  };
  const next = (): Promise<void> => new Promise((resolve) => (wake = resolve));
  return { writes, write, next };
}

test('LineWriter writes lines of one turn together and in their order', async () => {
  const { writes, write, next } = collect();
  const writer = new LogBuffer(write);
  for (const line of ['a', 'b', 'c']) writer.add(line);
  assert.deepEqual(writes, []);
  await next();
  assert.deepEqual(writes, ['a\nb\nc']);
  writer.add('d');
  await next();
  assert.deepEqual(writes, ['a\nb\nc', 'd']);
});

test('LineWriter.flush() writes what is held, once', async () => {
  const { writes, write, next } = collect();
  const writer = new LogBuffer(write);
  writer.add('a');
  writer.flush();
  writer.flush();
  assert.deepEqual(writes, ['a']);
  writer.add('b');
  await next();
  assert.deepEqual(writes, ['a', 'b']);
});

test('LineWriter holds no more than 64 KiB of lines', () => {
  const { writes, write } = collect();
  const writer = new LogBuffer(write);
  const lines = Array.from({ length: 1000 }, (_, i) => `${i} ${'x'.repeat(100)}`);
  for (const line of lines) writer.add(line);
  assert.ok(writes.length > 0);
  writer.flush();
  assert.equal(writes.join('\n'), lines.join('\n'));
});
