import assert from 'node:assert/strict';
import { test } from 'node:test';
import { quoteShellWord } from '../../model/shell-word.js';
import { formatScript } from './task-script.js';

test('formatScript() and quoteShellWord() quote any value as one word', () => {
  assert.equal(quoteShellWord("it's $HOME `x`"), `'it'\\''s $HOME \`x\`'`);
  assert.equal(formatScript({ environment: {}, run: 'make' }, { isSupervised: false }), 'make\n');
  assert.equal(
    formatScript(
      { environment: { A: 'b\nc' }, run: 'make\nmake check' },
      {
        ...{ environment: { A: 'x', B: '' }, isSupervised: false },
      },
    ),
    "export A='b\nc' B=''; make\nmake check\n",
  );
  assert.equal(
    formatScript({ environment: {}, run: 'make' }, { workingFolder: "it's" }),
    `echo "began $$" >&7; exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&-; cd './it'\\''s'; make\n`,
  );
});
