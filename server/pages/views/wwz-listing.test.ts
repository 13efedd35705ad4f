import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderWwzListing } from './wwz-listing.js';

const bytesOf = (names: readonly string[]): number => {
  const html = renderWwzListing({
    ...{ wwzPath: 'github-jobs/1/x-1.wwz', inside: '' },
    folder: { folders: [], files: names },
  });
  assert.match(html, /more names of this folder are not listed/);
  return Buffer.byteLength(html);
};

test('F7: a listing is smaller than 256 KiB, whatever the names are', () => {
  for (const letter of ['&', '"', 'a', 'ä', '\u202e', "'"]) {
    const names = Array.from({ length: 65_000 }, (_, i) => `${letter.repeat(60)}${i}`);
    assert.ok(bytesOf(names) < 256 * 1024, letter);
    assert.ok(bytesOf(names.map((name) => name + letter.repeat(180))) < 256 * 1024, letter);
  }
});
