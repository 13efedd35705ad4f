import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asksForInput } from './closed-input.js';

test('asksForInput() recognizes prompts, and what programs say about closed input', () => {
  const logs = [
    'Do you want to continue? [Y/n] Abort.\n',
    'Do you want to continue? [Y/n] ',
    'Continue [y/N]?\nAborted.\n',
    'Are you sure you want to continue connecting (yes/no/[fingerprint])? ',
    'Overwrite? ',
    'Password: ',
    'Enter passphrase for key: \n',
    'Traceback\n  x = input()\nEOFError: EOF when reading a line\n',
    "fatal: could not read Username for 'https://example.org': No such device or address\n",
    'the input device is not a TTY\n',
    'sudo: a terminal is required to read the password; either use the -S option\n',
  ];
  for (const log of logs) assert.equal(asksForInput(log), true, log);
});

test('asksForInput() ignores other failures', () => {
  const logs = [
    '',
    'FAIL: test 3\n',
    'error: expected ";" before "}"\nmake: *** [Makefile:3: all] Error 1\n',
    'What now?\nFAIL\n',
    'Aborted.\n',
    '3 tests, 1 failure.\n',
    'key: value\n',
    'see https://example.org/\n',
  ];
  for (const log of logs) assert.equal(asksForInput(log), false, log);
});
