import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findInvisible, findOtherSpace } from './invisible.js';

test('findInvisible() names every kind of character that shows nothing', () => {
  const codePoints = [
    ...[0x00, 0x0a, 0x1b, 0x7f, 0x85, 0xad, 0x34f, 0x61c, 0x115f, 0x1160, 0x17b4, 0x180b, 0x180e],
    ...[0x200b, 0x200c, 0x200d, 0x200e, 0x2028, 0x2029, 0x202e, 0x2060, 0x2061, 0x2064, 0x2066, 0x206f],
    ...[0x2800, 0x3164, 0xfe00, 0xfe0f, 0xfeff, 0xffa0, 0xfff0, 0xfff9, 0x13430, 0x16fe4, 0x1bca0, 0x1d159],
    ...[0x1d173, 0xe0001, 0xe0041, 0xe0100, 0xd800],
  ];
  for (const code of codePoints) {
    const expected = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
    assert.equal(findInvisible(`a${String.fromCodePoint(code)}b`), expected);
  }
});

test('findInvisible() accepts every script, and signs that are visible', () => {
  for (const text of ['größe', 'тест', '検査 一', 'اختبار', '\u0600١٢', 'परीक्षण', '✅ ok', 'e\u0301', '👩🏽']) {
    assert.equal(findInvisible(text), undefined, text);
  }
});

test('findOtherSpace() names spaces that are not the plain one', () => {
  for (const code of [0xa0, 0x1680, 0x2000, 0x2009, 0x200a, 0x202f, 0x205f, 0x3000]) {
    const expected = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
    assert.equal(findOtherSpace(`a${String.fromCodePoint(code)}b`), expected);
  }
  assert.equal(findOtherSpace('a b'), undefined);
});
