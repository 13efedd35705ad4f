import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatError, formatGroup, formatOutputs } from './github-actions.js';

/** Parses a line like GitHub's runner: `::` starts a command at the start of a line, `##[` anywhere in it. */
const commandIn = (line: string): string | undefined =>
  /^\s*::([a-z-]+)/i.exec(line)?.[1] ?? /##\[([a-z-]+)/i.exec(line)?.[1];

test('formatError() escapes file, line, column and message', () => {
  assert.equal(
    formatError('unit: a, b', '100% wrong', { file: 'src/a:b,c.ts', line: 3, column: 5, message: '' }),
    '::error file=src/a%3Ab%2Cc.ts,line=3,col=5,title=unit%3A a%2C b::100%25 wrong',
  );
  assert.equal(formatError('unit', 'no image'), '::error title=unit::no image');
});

test('formatError(), formatGroup() and formatOutputs() allow no text to add a command', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc
      .array(fc.constantFrom('\n', '\r', '::', '##[', 'set-env', '%0A', ' ', '\u2028'), { maxLength: 12 })
      .map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(text, text, text, (title, message, file) => {
      const error = formatError(title, message, { file, line: 1, message });
      assert.doesNotMatch(error, /[\r\n]/);
      assert.equal(commandIn(error), 'error');
      assert.ok(!error.includes('##['));
      const group = formatGroup(title, []);
      assert.deepEqual(group.map(commandIn), ['group', 'endgroup']);
      assert.ok(group.every((line) => !/[\r\n]/.test(line)));
      assert.equal(formatOutputs({ url: title }).trimEnd().split('\n').length, 1);
    }),
  );
});
