import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { errorMessage, fileErrorMessage } from './error-message.js';

const errorOf = (path: string): Promise<string> => readFile(path, 'utf8').catch(fileErrorMessage);

test('fileErrorMessage() describes a file error without the name of a system call', async () => {
  assert.equal(await errorOf('/nowhere/at-all'), 'no such file or directory');
  assert.equal(await errorOf('/proc'), 'is a directory');
  assert.equal(await errorOf('/proc/version/x'), 'not a directory');
  assert.equal(fileErrorMessage(Object.assign(new Error('EIO: bad disk'), { code: 'EIO' })), 'EIO: bad disk');
});

test('errorMessage() describes an error or any other thrown value', () => {
  assert.equal(errorMessage(new Error('disk full')), 'disk full');
  assert.equal(errorMessage('disk full'), 'disk full');
});
