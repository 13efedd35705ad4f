import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileFault } from './file-fault.js';

const faultOf = (path: string): Promise<string> => readFile(path, 'utf8').catch(fileFault);

test('fileFault() says what is wrong with a file, without the name of a system call', async () => {
  assert.equal(await faultOf('/nowhere/at-all'), 'it is not there');
  assert.equal(await faultOf('/proc'), 'it is a folder');
  assert.equal(await faultOf('/proc/version/x'), 'a file stands where a folder should');
  assert.equal(fileFault(Object.assign(new Error('EIO: bad disk'), { code: 'EIO' })), 'EIO: bad disk');
});
