import assert from 'node:assert/strict';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { buildZip, type ZipEntrySpec } from '../test/zip-builder.js';
import { EntryDamage, gzipBody, gzipLength, plainBody, findReadingObstacle, type Body } from './body.js';
import { bufferSource } from './byte-source.js';
import { findEntry } from './directory.js';
import { defaultWwzLimits } from './limits.js';
import { findData, readDirectory } from './open.js';

const collect = async (body: Body) => (Buffer.isBuffer(body) ? body : buffer(body));

async function locate(spec: ZipEntrySpec) {
  // Many tools write an extra field to the local header that the directory lacks.
  const local = { extra: Buffer.from([9, 9, 2, 0, 1, 2]), ...spec.local };
  const source = bufferSource(buildZip([{ name: 'first' }, { ...spec, local }]));
  const read = await readDirectory(source, defaultWwzLimits);
  assert.ok(read.ok);
  const entry = findEntry(read.value.directory, String(spec.name));
  assert.ok(entry);
  const dataOffset = await findData(source, entry);
  assert.ok(dataOffset.ok);
  return { source, entry, dataOffset: dataOffset.value };
}

/** Varying content that is too large for one piece. */
const large = Buffer.from(Array.from({ length: 90_000 }, (_, i) => `line ${i * 7919}\n`).join(''));

for (const [what, content] of [
  ['a small entry', Buffer.from('hello, hello')],
  ['an empty entry', Buffer.alloc(0)],
  ['a large entry', large],
] as const) {
  test(`gzipBody() of ${what} returns a gzip file of length gzipLength()`, async () => {
    const located = await locate({ name: 'a', content });
    const bytes = await collect(await gzipBody(located));
    assert.equal(bytes.length, gzipLength(located.entry));
    assert.deepEqual(gunzipSync(bytes), content);
  });

  for (const method of [0, 8]) {
    test(`plainBody() of ${what}, method ${method}, returns the content or a range of it`, async () => {
      const located = await locate({ name: 'a', content, method });
      assert.deepEqual(await collect(await plainBody(located)), content);
      await fc.assert(
        fc.asyncProperty(fc.nat(content.length), fc.nat(content.length), async (a, b) => {
          const range = { start: Math.min(a, b), end: Math.max(a, b) };
          assert.deepEqual(
            await collect(await plainBody(located, range)),
            content.subarray(range.start, range.end),
          );
        }),
        { numRuns: 20 },
      );
    });
  }
}

for (const content of [Buffer.from('hello'), large]) {
  test(`plainBody() of ${content.length} bytes with a wrong checksum fails before the last byte`, async () => {
    const located = await locate({ name: 'a', content, crc: 1 });
    let received = 0;
    await assert.rejects(
      async () => {
        const body = await plainBody(located);
        for await (const piece of Buffer.isBuffer(body) ? [body] : body) received += piece.length;
      },
      (error) => error instanceof EntryDamage && error.message.includes('cannot read entry "a": its CRC-32'),
    );
    assert.ok(received < content.length);
  });
}

test('findData() rejects an offset without a header', async () => {
  const source = bufferSource(buildZip([{ name: 'a', offset: 3 }]));
  const read = await readDirectory(source, defaultWwzLimits);
  assert.ok(read.ok);
  const entry = findEntry(read.value.directory, 'a');
  assert.ok(entry);
  const found = await findData(source, entry);
  assert.match(found.ok ? '' : found.error, /cannot read entry "a": no header at byte 3/);
});

test('findReadingObstacle() names entries that cannot be read', async () => {
  const { entry } = await locate({ name: 'a', content: 'x' });
  assert.equal(findReadingObstacle(entry), undefined);
  assert.match(findReadingObstacle({ ...entry, method: 99 }) ?? '', /method 99/);
  assert.match(findReadingObstacle({ ...entry, flags: 1 }) ?? '', /encrypted/);
  assert.match(findReadingObstacle({ ...entry, method: 0, size: 9 }) ?? '', /two sizes differ/);
});
