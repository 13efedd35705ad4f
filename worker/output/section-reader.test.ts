import assert from 'node:assert/strict';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import fc from 'fast-check';
import { OutputText } from './output-text.js';
import { SectionReader } from './section-reader.js';

const [a, b] = ['0123456789abcdeffedcba9876543210', '0b'.repeat(16)];

/** Writes bytes in pieces of a size, and returns what two sections, and what is between and after them, received. */
async function split(text: string, size: number) {
  const stream = new PassThrough();
  const reader = new SectionReader(stream);
  const [first, between, second] = [new OutputText(1e6), new OutputText(1e6), new OutputText(1e6)];
  let isMore: boolean | undefined;
  const ends = Promise.all([
    reader.read({ mark: a, sink: first, end: () => between }),
    reader.read({ mark: b, sink: second, begin: (more) => (isMore = more) }),
  ]);
  for (let at = 0; at < text.length; at += size) stream.write(text.slice(at, at + size));
  const over = once(stream, 'end');
  stream.end();
  const whole = await ends;
  await over;
  return { whole, isMore, foreign: reader.foreign, texts: [first, between, second].map(String) };
}

test('SectionReader splits a stream at its marks, wherever its chunks end', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 60 }), fc.boolean(), async (size, more) => {
      const half = a.slice(0, 20);
      const text = `noise${half}${a}+one${half}x${a}-late${b}${more ? '*' : '+'}two${b}-after`;
      const end = await split(text, size);
      assert.deepEqual(end.texts, [`one${half}x`, 'late', 'two']);
      assert.deepEqual([end.whole, end.isMore], [[true, true], more]);
      assert.equal(end.foreign, `noise${half}after`);
    }),
  );
});

test('SectionReader says that a section is cut when the stream ends, and gives what came', async () => {
  const end = await split(`${a}+one${a.slice(0, 5)}`, 7);
  assert.deepEqual(end.whole, [false, false]);
  assert.deepEqual(end.texts, [`one${a.slice(0, 5)}`, '', '']);
});
