import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { countLineEnds } from './line-count.js';

test('countLineEnds() counts the line ends of any part of any bytes', () => {
  const byte = fc.oneof(fc.constantFrom(9, 10, 11, 0, 0x8a, 0xff), fc.integer({ min: 0, max: 255 }));
  fc.assert(
    fc.property(fc.array(byte, { maxLength: 3000 }), fc.nat(20), fc.nat(3000), (given, start, length) => {
      const bytes = Uint8Array.from(given);
      const end = Math.min(bytes.length, start + length);
      const expected = bytes.subarray(start, end).filter((value) => value === 10).length;
      assert.equal(countLineEnds(bytes, start, end), start > end ? 0 : expected);
    }),
  );
  assert.equal(countLineEnds(new Uint8Array(1_000_003).fill(10), 1, 1_000_003), 1_000_002);
});
