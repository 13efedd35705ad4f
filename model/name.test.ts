import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseCommitHash, parseJobName, parseRunId, parseTaskName, parseWorkerHost } from './name.js';

const accepted: [(t: string) => { ok: boolean }, string[], string[]][] = [
  [
    parseJobName,
    ['dev-minimal', 'cpp-small_2', 'a', 'x'.repeat(100)],
    [
      '',
      '.hidden',
      '-x',
      'a/b',
      '..',
      'a b',
      'ü',
      'x'.repeat(101),
      'a.json',
      'a.wwz',
      'a.tmp',
      '<b>',
      'a\n',
      'a\0',
    ],
  ],
  [
    parseTaskName,
    ['os-info', 'unit tests', 'prüfung', '日本語', '<script>', 'ä'.repeat(60)],
    ['', ' a', 'a ', '.a', '-a', 'a/b', 'a\\b', 'a\tb', 'a\nb', 'a\u202eb', 'ä'.repeat(61), '\ud800'],
  ],
  [
    parseRunId,
    ['1234', '20261121T101500Z', 'a-b.c_d', 'raw.html-x'],
    ['', 'commits', '..', 'a/b', '-1', 'ß', 'index.html', 'raw.html', 'page-1.HTML'],
  ],
  [
    parseCommitHash,
    ['09ab09a', 'a'.repeat(40), 'b'.repeat(64)],
    ['', '09AB09A', 'a'.repeat(65), 'abc', 'xyzxyzxyz'],
  ],
  [parseWorkerHost, ['github', 'sourcehut', 'local'], ['', 'GitHub', 'srht', 'toString']],
];

test('each parser of names accepts valid names and rejects invalid ones', () => {
  for (const [parse, good, bad] of accepted) {
    for (const text of good) assert.equal(parse(text).ok, true, `${parse.name} ${JSON.stringify(text)}`);
    for (const text of bad) assert.equal(parse(text).ok, false, `${parse.name} ${JSON.stringify(text)}`);
  }
});

test('parseTaskName() escapes control characters in its message', () => {
  const result = parseTaskName('a\u0007b\u202e');
  assert.ok(!result.ok);
  assert.equal(
    result.error,
    'cannot accept task name "a\\u0007b\\u202e": it has U+0007, a control or invisible character',
  );
});

test('parseTaskName() names the invisible character that it refuses', () => {
  for (const code of [0xad, 0x200b, 0x200d, 0x2060, 0x2800, 0x3164, 0xfe0f, 0xffa0, 0xe0041]) {
    const character = String.fromCodePoint(code);
    const name = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
    for (const text of [character, `lint${character}`, `li${character}nt`]) {
      const result = parseTaskName(text);
      assert.ok(!result.ok, name);
      assert.ok(result.error.endsWith(`": it has ${name}, a control or invisible character`), result.error);
      assert.ok(!result.error.includes(character), 'the message does not show the character itself');
    }
  }
});

test('parseTaskName() refuses spaces that look like the plain one', () => {
  const result = parseTaskName('unit\u00a0test');
  assert.ok(!result.ok);
  assert.equal(
    result.error,
    'cannot accept task name "unit\\u00a0test": it has U+00A0, which looks like a space',
  );
});

test('parseJobName(), parseTaskName() and parseRunId() accept one path segment only', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 130 }), (text) => {
      for (const parse of [parseJobName, parseTaskName, parseRunId]) {
        const name = parse(text);
        if (!name.ok) continue;
        assert.doesNotMatch(name.value, /[/\\\0\n]/);
        assert.ok(name.value !== '.' && name.value !== '..' && Buffer.byteLength(name.value) <= 120);
      }
    }),
    { numRuns: 2000, seed: 7 },
  );
});
