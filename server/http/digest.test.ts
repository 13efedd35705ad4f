import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { digestOf, formatDigest, parseDigest, wantsDigest } from './digest.js';

const sha256 = createHash('sha256').update('hello').digest('hex');

test('wantsDigest() accepts a preference for SHA-256, and no other', () => {
  for (const field of ['sha-256=10', 'SHA-256=1', 'sha-512=3, sha-256=10', ' sha-256 = 5 ']) {
    assert.equal(wantsDigest(field), true, field);
  }
  for (const field of [undefined, '', 'sha-256=0', 'sha-512=10', 'sha-256', 'sha-256=11', 'xsha-256=1']) {
    assert.equal(wantsDigest(field), false, field);
  }
});

test('parseDigest() parses what formatDigest() writes, also in a list', () => {
  const field = formatDigest(sha256);
  assert.deepEqual(parseDigest('Repr-Digest', field), { ok: true, value: sha256 });
  assert.deepEqual(parseDigest('Content-Digest', `sha-512=:AAAA:, ${field}`), { ok: true, value: sha256 });
  assert.deepEqual(parseDigest('Content-Digest', undefined), { ok: true, value: undefined });
});

test('parseDigest() refuses a field without SHA-256, since nothing would be verified', () => {
  for (const field of ['', 'sha-512=:AAAA:', 'md5=:AAAA:']) {
    const parsed = parseDigest('Content-Digest', field);
    assert.match(
      parsed.ok ? '' : parsed.error,
      /cannot verify Content-Digest .*: it must have sha-256/,
      field,
    );
  }
});

test('parseDigest() refuses a malformed SHA-256', () => {
  for (const field of ['sha-256=', 'sha-256=:AAAA:', `sha-256=${sha256}`, 'sha-256=:not base64:']) {
    const parsed = parseDigest('Repr-Digest', field);
    assert.match(parsed.ok ? '' : parsed.error, /cannot accept Repr-Digest/, field);
  }
});

test('digestOf() reads a file once, and again after a failure', async () => {
  let reads = 0;
  const read = () => {
    reads++;
    return Promise.resolve(Buffer.from('hello'));
  };
  assert.deepEqual(await Promise.all([digestOf('one', read), digestOf('one', read)]), [sha256, sha256]);
  assert.equal(await digestOf('one', read), sha256);
  assert.equal(reads, 1);
  const failing = () => Promise.reject(new Error('the disk'));
  await assert.rejects(digestOf('two', failing), /the disk/);
  assert.equal(await digestOf('two', read), sha256);
});
