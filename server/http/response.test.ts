import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorResponse, wantsJson } from './response.js';

test('answerToError() tells a full disk from one that is not writable, and both from a bug', () => {
  for (const [code, status] of [
    ['ENOSPC', 507],
    ['EDQUOT', 507],
    ['EROFS', 503],
    ['EACCES', 500],
    ['EIO', 500],
    ['EMFILE', 503],
    ['EWHAT', 500],
  ] as const) {
    assert.equal(errorResponse(Object.assign(new Error('x'), { code })).status, status, code);
  }
  const bug = errorResponse(new TypeError('secret inside'));
  assert.ok(bug.kind === 'problem' && !bug.sentence.includes('secret'));
});

test('wantsJson() gives text only to those who ask for it', () => {
  for (const [accept, isJson] of [
    [undefined, true],
    ['*/*', true],
    ['application/json', true],
    ['text/plain', false],
    ['text/html,*/*', false],
    ['text/plain, application/json', true],
  ] as const) {
    assert.equal(wantsJson(accept), isJson, accept);
  }
});
