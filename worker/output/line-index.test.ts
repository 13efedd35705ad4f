import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { LogIndex } from '../../model/log-index.js';
import { blockBytes, LineIndex } from './line-index.js';

/** Indexes a text in pieces; each piece has the time at which it arrived, in milliseconds after the start. */
function indexOf(pieces: readonly (readonly [time: number, text: string])[]): LogIndex {
  const index = new LineIndex(1000);
  let offset = 0;
  for (const [time, text] of pieces) {
    const bytes = Buffer.from(text);
    index.arrive(offset, 1000 + time);
    index.add(bytes);
    offset += bytes.length;
  }
  return index.finish();
}

/** Returns the time of each line, in milliseconds, as a reader of the index computes it. */
function timesOf({ times, lines }: LogIndex): number[] {
  const found: number[] = [];
  let [line, time] = [0, 0];
  for (let i = 0; i < times.length; i += 2) {
    const next = line + (times[i] ?? 0);
    for (; line < next; line++) found[line] = time;
    time += times[i + 1] ?? 0;
  }
  for (; line <= lines; line++) found[line] = time;
  return found.slice(1, lines + 1);
}

test('LineIndex counts lines and bytes, with and without a final line end', () => {
  const counts = (text: string) => {
    const { lines, bytes, blocks } = indexOf([[0, text]]);
    return [lines, bytes, blocks.length];
  };
  assert.deepEqual(counts(''), [0, 0, 0]);
  assert.deepEqual(counts('a'), [1, 1, 1]);
  assert.deepEqual(counts('a\n'), [1, 2, 1]);
  assert.deepEqual(counts('a\n\nb\0\xff'), [3, 7, 1]);
});

test('LineIndex gives each line the time at which its first byte arrived', () => {
  const index = indexOf([
    [5, 'one\ntw'],
    [100, 'o\nthree\n'],
    [104, 'four\n'],
    [300, 'five'],
    [500, ' still five'],
  ]);
  assert.deepEqual(timesOf(index), [5, 5, 100, 100, 300]);
  assert.equal(index.startTime, 1);
});

test('LineIndex keeps a short list of times, at a lower resolution, for a log of many lines', () => {
  const index = new LineIndex(0);
  const lines = 400_000;
  for (let i = 0; i < lines; i++) {
    index.arrive(2 * i, 20 * i);
    index.add(Buffer.from('x\n'));
  }
  const finished = index.finish();
  assert.equal(finished.lines, lines);
  assert.ok(finished.times.length <= 2 * 32 * 1024, `${finished.times.length} numbers`);
  const times = timesOf(finished);
  for (let i = 0; i < lines; i += 997) {
    assert.ok(Math.abs((times[i] ?? 0) - 20 * i) <= finished.timeStepMs, `line ${i + 1}`);
  }
});

test('LineIndex begins blocks of at most 256 KiB with a line, and knows their line numbers and colors', () => {
  const line = `\u001b[1;31m${'x'.repeat(90)}\n`;
  const text = line.repeat(8000);
  const { blocks, bytes } = indexOf([[0, text]]);
  assert.equal(blocks.length, Math.ceil(bytes / blockBytes));
  for (const [i, [offset, number, colors]] of blocks.entries()) {
    assert.ok((blocks[i + 1]?.[0] ?? bytes) - offset <= blockBytes);
    assert.equal(offset, (number - 1) * line.length);
    assert.equal(colors, i === 0 ? '' : '1;31');
  }
});

test('LineIndex splits a line that is longer than a block', () => {
  const { blocks, lines } = indexOf([[0, `first\n${'x'.repeat(600_000)}\nlast\n`]]);
  assert.equal(lines, 3);
  assert.deepEqual(
    blocks.map(([offset, line]) => [offset, line]),
    [
      [0, 1],
      [6, 2],
      [6 + blockBytes, 2],
      [6 + 2 * blockBytes, 2],
    ],
  );
});

test('LineIndex is the same however the log is split into pieces', () => {
  const part = fc.constantFrom(
    ...[
      '\n',
      'text\n',
      '\u001b[31m',
      '\u001b[0m',
      '\u001b[38;5;9m',
      '\u001b[39;1m',
      'a: error: b\n',
      '::group::g\n',
    ],
    ...['::endgroup::\n', '##[group]h\r\n', '##[endgroup]\n', 'é', 'LONG', '\0'],
  );
  fc.assert(
    fc.property(
      fc.array(part, { maxLength: 30 }),
      fc.infiniteStream(fc.integer({ min: 1, max: 200_000 })),
      (parts, sizes) => {
        const bytes = Buffer.from(parts.join('').replaceAll('LONG', 'x'.repeat(100_000)));
        const whole = new LineIndex(0);
        whole.arrive(0, 0);
        whole.add(bytes);
        const pieces = new LineIndex(0);
        pieces.arrive(0, 0);
        for (let at = 0; at < bytes.length;) {
          const size = Number(sizes.next().value);
          pieces.add(bytes.subarray(at, at + size));
          at += size;
        }
        assert.deepEqual(pieces.finish(), whole.finish());
      },
    ),
    { numRuns: 300 },
  );
});

test('LineIndex finds the first and the last error, groups, and late output', () => {
  const text = [
    'ok',
    'src/a.c:3:5: error: x undeclared',
    '::group::Install \u001b[1mpackages',
    'inside',
    '##[group]inner',
    '##[endgroup]',
    '::endgroup::',
    'make: *** [all] Error 2',
    '::group::never closed',
    'end',
  ];
  const { firstError, lastError, groups } = indexOf([[0, `${text.join('\n')}\n`]]);
  assert.deepEqual([firstError, lastError], [2, 8]);
  assert.deepEqual(groups, [
    [3, 7, 'Install packages'],
    [5, 6, 'inner'],
    [9, 10, 'never closed'],
  ]);
  const late = new LineIndex(0);
  late.add(Buffer.from('a\nb\n'));
  late.setLate(4);
  late.add(Buffer.from('late\n'));
  assert.equal(late.finish().lateLine, 3);
});
