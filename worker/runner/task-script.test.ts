import assert from 'node:assert/strict';
import { test } from 'node:test';
import { quoteShellWord } from '../../model/shell-word.js';
import { formatScript } from './task-script.js';

test('formatScript() and quoteShellWord() quote any value as one word', () => {
  assert.equal(quoteShellWord("it's $HOME `x`"), `'it'\\''s $HOME \`x\`'`);
  assert.equal(formatScript({ environment: {}, run: 'make' }), 'make\n');
  assert.equal(
    formatScript({ environment: { A: 'b\nc' }, run: 'make\nmake check' }, { environment: { A: 'x', B: '' } }),
    "export A='b\nc' B=''; make\nmake check\n",
  );
  assert.equal(
    formatScript({ environment: {}, run: 'make' }, { workingFolder: "it's" }),
    `cd './it'\\''s'; make\n`,
  );
});
