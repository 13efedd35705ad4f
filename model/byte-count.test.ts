import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatByteCount, parseByteCount } from './byte-count.js';
import { valueOf } from './result.js';

test('parseByteCount() reads decimal and binary units', () => {
  const table: [string, number][] = [
    ['0', 0],
    ['17', 17],
    ['17B', 17],
    ['64KiB', 65_536],
    ['64 kB', 64_000],
    ['1.5MB', 1_500_000],
    ['2GiB', 2 ** 31],
    ['1TB', 1e12],
  ];
  for (const [text, bytes] of table) assert.equal(valueOf(parseByteCount(text)), bytes, text);
});

test('parseByteCount() rejects signs, unknown units, fractions of a byte and numbers that are not exact', () => {
  for (const text of ['', '-1', '1e9', '5 XB', 'MB', '1.5', '0.5B', '1,5MB', 'toString', '99999999TiB']) {
    const parsed = parseByteCount(text, 'quota');
    assert.ok(!parsed.ok, text);
    assert.match(parsed.error, /^cannot accept quota "/);
  }
});

test('parseByteCount() applies the rule of its caller', () => {
  const rule = { needsUnit: true, minBytes: 1, maxBytes: Infinity };
  assert.equal(valueOf(parseByteCount('1.5TiB', 'x', rule)), 1.5 * 2 ** 40);
  assert.equal(valueOf(parseByteCount('999999999TiB', 'x', rule)), 999_999_999 * 2 ** 40);
  const refused: [string, RegExp][] = [
    ['5', /no unit; write 500MB/],
    ['0GB', /at least 1 B/],
  ];
  for (const [text, reason] of refused) {
    const parsed = parseByteCount(text, 'x', rule);
    assert.match(parsed.ok ? 'accepted' : parsed.error, reason);
  }
});

test('formatByteCount() is exact for few bytes and short for many', () => {
  const table: [number, string][] = [
    [0, '0 B'],
    [9999, '9999 B'],
    [10_000, '10.0 kB'],
    [1_500_000, '1.5 MB'],
    [2 ** 31, '2.1 GB'],
    [3e12, '3.0 TB'],
  ];
  for (const [bytes, text] of table) assert.equal(formatByteCount(bytes), text);
});
