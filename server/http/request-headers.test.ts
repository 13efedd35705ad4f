import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { acceptsGzip, matchesAny, parseRange, rangeApplies } from './request-headers.js';
import { contentType } from './content-type.js';
import { parseRequestPath } from './request-path.js';

test('acceptsGzip() follows the q-values', () => {
  for (const header of [
    'gzip',
    'deflate, gzip',
    'x-gzip',
    '*',
    'gzip;q=0.001',
    'GZip ; Q=1',
    'br;q=1, *;q=0.1',
  ]) {
    assert.ok(acceptsGzip(header), header);
  }
  for (const header of [
    undefined,
    '',
    'br',
    'gzip;q=0',
    'gzip;q=0.000',
    '*;q=0',
    '*, gzip;q=0',
    'gzip;q=2',
    'gzipped',
  ]) {
    assert.ok(!acceptsGzip(header), header);
  }
});

test('matchesAny() compares weakly, in lists, and accepts * for any tag', () => {
  for (const header of ['"a"', 'W/"a"', '"b", "a"', '"b",W/"a"', ' * '])
    assert.ok(matchesAny(header, '"a"'), header);
  for (const header of [undefined, '', 'a', '"A"', '"a-gz"', '"b"'])
    assert.ok(!matchesAny(header, '"a"'), header);
});

test('rangeApplies() accepts only a strong tag', () => {
  assert.ok(rangeApplies(undefined, '"a"'));
  assert.ok(rangeApplies('"a"', '"a"'));
  for (const header of ['W/"a"', '"b"', 'Sat, 21 Nov 2026 07:00:00 GMT'])
    assert.ok(!rangeApplies(header, '"a"'));
});

test('parseRange() selects a part inside the body for any header', () => {
  const number = fc.oneof(fc.constant(''), fc.nat(50).map(String), fc.constant('9'.repeat(30)));
  fc.assert(
    fc.property(number, number, fc.nat(40), (first, last, size) => {
      const selection = parseRange(`bytes=${first}-${last}`, size);
      if (selection.kind !== 'part') return;
      const { start, end } = selection.range;
      assert.ok(0 <= start && start < end && end <= size);
    }),
  );
  assert.deepEqual(parseRange('bytes=-0', 9), { kind: 'unsatisfiable' });
  assert.deepEqual(parseRange('bytes=-20', 9), { kind: 'part', range: { start: 0, end: 9 } });
  assert.deepEqual(parseRange('bytes=0-', 0), { kind: 'unsatisfiable' });
});

test('contentType() depends on the extension only', () => {
  assert.equal(contentType('_soil/logs/unit.txt'), 'text/plain; charset=utf-8');
  assert.equal(contentType('a/README'), 'text/plain; charset=utf-8');
  assert.equal(contentType('a.b/stdout'), 'text/plain; charset=utf-8');
  assert.equal(contentType('A.HTML'), 'text/html; charset=utf-8');
  assert.equal(contentType('a.constructor'), 'application/octet-stream');
  assert.equal(contentType('a.unknown'), 'application/octet-stream');
  assert.equal(contentType('a.tsv'), 'text/plain; charset=utf-8');
  assert.equal(contentType('a.vtt'), 'text/vtt; charset=utf-8');
  assert.equal(contentType('a.tar.zst'), 'application/zstd');
});

test('parseRequestPath() decodes once, and refuses an encoded slash', () => {
  assert.deepEqual(parseRequestPath('/a%20b/c.wwz/?q=1#x'), {
    ok: true,
    value: { path: 'a b/c.wwz', isFolder: true, query: '?q=1' },
  });
  assert.deepEqual(parseRequestPath('/%2541'), {
    ok: true,
    value: { path: '%41', isFolder: false, query: '' },
  });
  for (const url of [
    '',
    'http://x/a',
    '*',
    '/a%2fb',
    '/a//b',
    '/a/./b',
    '/.a',
    '/%2e%2e/a',
    '/a%00',
    '/%zz',
    '/a//',
  ]) {
    assert.ok(!parseRequestPath(url).ok, url);
  }
});
