import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LogBuffer } from './log-buffer.js';

/** Collects writes; next() waits for the next one. */
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

test('LogBuffer writes the lines of one turn together and in order', async () => {
  const { writes, write, next } = collect();
  const buffer = new LogBuffer(write);
  for (const line of ['a', 'b', 'c']) buffer.add(line);
  assert.deepEqual(writes, []);
  await next();
  assert.deepEqual(writes, ['a\nb\nc']);
  buffer.add('d');
  await next();
  assert.deepEqual(writes, ['a\nb\nc', 'd']);
});

test('LogBuffer.flush() writes the buffered lines once', async () => {
  const { writes, write, next } = collect();
  const buffer = new LogBuffer(write);
  buffer.add('a');
  buffer.flush();
  buffer.flush();
  assert.deepEqual(writes, ['a']);
  buffer.add('b');
  await next();
  assert.deepEqual(writes, ['a', 'b']);
});

test('LogBuffer buffers no more than 64 KiB of lines', () => {
  const { writes, write } = collect();
  const buffer = new LogBuffer(write);
  const lines = Array.from({ length: 1000 }, (_, i) => `${i} ${'x'.repeat(100)}`);
  for (const line of lines) buffer.add(line);
  assert.ok(writes.length > 0);
  buffer.flush();
  assert.equal(writes.join('\n'), lines.join('\n'));
});
