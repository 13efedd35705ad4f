import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorResponse, wantsJson } from './response.js';

test('errorResponse() distinguishes a full disk, a read-only one, and a bug', () => {
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
  assert.ok(bug.kind === 'problem' && !bug.message.includes('secret'));
});

test('wantsJson() is false only for clients that accept text and not JSON', () => {
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
