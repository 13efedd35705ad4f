import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { renderTerminalLine, renderTerminalText } from './terminal-line.js';

/** What programs print, and what a terminal shows of it in the end. */
const lines: readonly (readonly [given: string, shown: string])[] = [
  ['plain text', 'plain text'],
  ['a carriage return before the end\r', 'a carriage return before the end'],
  ['10 %\r50 %\r100 %', '100 %'],
  ['12345\rab', 'ab345'],
  ['downloading\r\u001b[Kdone', 'done'],
  ['downloading\u001b[2K\rdone', 'done'],
  ['abc\b\bX', 'aXc'],
  ['spin |\b/\b-\b\\\b \b', 'spin'],
  ['\b\bstart', 'start'],
  ['\u001b[31mred\u001b[0m', 'red'],
  ['\u001b]8;;https://example.org/\u0007link\u001b]8;;\u0007', 'link'],
  ['\u001b]0;title\u001b\\ after', ' after'],
  ['abc\u001b[2Dx', 'axc'],
  ['abc\u001b[1Gx\u001b[10Gy', 'xbc      y'],
  ['abc\u001b[5Cx', 'abc     x'],
  ['abcdef\u001b[4D\u001b[K', 'ab'],
  ['abcdef\u001b[3D\u001b[1K', '    ef'],
  ['123456\u001b[4D\u001b[2P', '1256'],
  ['abcdef\u001b[4D\u001b[2X', 'ab  ef'],
  ['abc\u001b[2D\u001b[2@', 'a  bc'],
  ['abc\u001b7def\u001b8X', 'abcXef'],
  ['first\u001b[1A\u001b[2K\rsecond', 'second'],
  ['größe\r日本', '日本e'],
  ['日本\rx', 'x 本'],
  ['日本\u001b[2Gx', ' x本'],
  ['e\u0301x\rE', 'Ex'],
  ['an escape at the end\u001b', 'an escape at the end'],
  ['an open sequence\u001b[3', 'an open sequence'],
  ['x\u001b[999999999Cy', `x${' '.repeat(9999)}y`],
];

test('renderTerminalLine() returns what a terminal shows of a line in the end', () => {
  for (const [given, shown] of lines) assert.equal(renderTerminalLine(given), shown, JSON.stringify(given));
});

test('renderTerminalText() keeps lines apart', () => {
  assert.equal(renderTerminalText('1 %\r2 %\nnext\r\n\u001b[1mlast'), '2 %\nnext\nlast');
});

test('renderTerminalLine() leaves text without control characters as it is, and always returns one line', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const line = text.replace(/[\p{Cc}\n]/gu, '');
      assert.equal(renderTerminalLine(line), line);
    }),
  );
  const piece = fc.constantFrom(
    'a',
    'é',
    '\r',
    '\b',
    '\t',
    '\u001b[K',
    '\u001b[2K',
    '\u001b[3D',
    '\u001b[C',
    '\u001b[5@',
  );
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      assert.doesNotMatch(renderTerminalLine(pieces.join('')), /[\r\n\u001b\b]/);
    }),
  );
});
