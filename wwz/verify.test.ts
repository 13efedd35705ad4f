import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { Open } from 'unzipper';
import {
  folder,
  makeDescriptor,
  makeExtra,
  buildZip,
  symlink,
  type ZipEntrySpec,
} from '../test/zip-builder.js';
import { bufferSource } from './byte-source.js';
import { defaultWwzLimits, type WwzLimits } from './limits.js';
import { verifyWwz } from './verify.js';

const verify = (bytes: Buffer, limits: Partial<WwzLimits> = {}) =>
  verifyWwz(bufferSource(bytes), { ...defaultWwzLimits, ...limits });

const good: ZipEntrySpec = { name: 'index.html', content: 'hello, hello, hello' };
const log: ZipEntrySpec = { name: '_soil/logs/unit.txt', content: 'ok\n', method: 0 };
const deflated = deflateRawSync('hello');
const zeros = Buffer.alloc(8);

/** The extra part of Zip64: sizes, as 8-byte numbers. */
const zip64Extra = (...sizes: number[]): Buffer =>
  makeExtra(
    1,
    Buffer.concat(
      sizes.map((size) => {
        const bytes = Buffer.alloc(8);
        bytes.writeBigUInt64LE(BigInt(size));
        return bytes;
      }),
    ),
  );

const described: ZipEntrySpec = {
  name: 'a.txt',
  content: 'hello',
  flags: 0x808,
  local: { crc: 0, size: 0, compressedSize: 0 },
  after: makeDescriptor('hello', deflated),
};

const accepted: [string, Buffer][] = [
  ['a zip without entries', buildZip([])],
  ['deflated and stored entries', buildZip([good, log])],
  [
    'folders',
    buildZip([
      { name: 'a/', method: 0 },
      { name: 'a/b', content: 'x' },
    ]),
  ],
  ['a folder without a mode', buildZip([{ name: 'a/', method: 0, attributes: 0x10 }])],
  ['a name in UTF-8 without the flag for it', buildZip([{ name: 'zażółć 😀.txt', flags: 0 }])],
  ['a dot file', buildZip([{ name: '.coverage' }])],
  ['a comment', buildZip([good], { comment: Buffer.from('a comment, '.repeat(20)) })],
  ['an extra field', buildZip([{ ...good, extra: makeExtra(0x5455, Buffer.alloc(5)) }])],
  ['a descriptor', buildZip([described, good])],
  [
    'a descriptor without signature',
    buildZip([{ ...described, after: makeDescriptor('hello', deflated).subarray(4) }]),
  ],
  ['entries in another order than the directory', reordered()],
  ['Zip64 end records', buildZip([good, log], { zip64: {} })],
  ['Zip64 sizes', buildZip([zip64Entry(5, deflated.length)])],
];

function zip64Entry(size: number, compressedSize: number): ZipEntrySpec {
  const extra = zip64Extra(size, compressedSize);
  return { name: 'a', content: 'hello', size: 0xffffffff, compressedSize: 0xffffffff, extra };
}

/** Swaps the two records of the directory, but not the entries. */
function reordered(): Buffer {
  const bytes = buildZip([{ name: 'a' }, { name: 'b' }]);
  const at = bytes.length - 22 - 94;
  const [first, second] = [bytes.subarray(at, at + 47), bytes.subarray(at + 47, at + 94)];
  return Buffer.concat([bytes.subarray(0, at), second, first, bytes.subarray(at + 94)]);
}

for (const [what, bytes] of accepted) {
  test(`verifyWwz() accepts ${what}`, async () => {
    const result = await verify(bytes);
    assert.ok(result.ok, result.ok ? '' : result.error);
  });
}

test('verifyWwz() returns the number of entries and their bytes', async () => {
  assert.deepEqual(await verify(buildZip([good, log], { comment: Buffer.from('abc') })), {
    ok: true,
    value: { entries: 2, totalBytes: 22, commentBytes: 3 },
  });
});

const withName = (name: string | Buffer) => buildZip([{ name, content: 'x' }]);

const refused: [string, Buffer, RegExp, Partial<WwzLimits>?][] = [
  // the end of the file
  ['an empty file', Buffer.alloc(0), /no end of central directory/],
  ['a file that is not a zip', Buffer.from('<html>hello</html>'.repeat(10)), /no end of central directory/],
  ['a byte after the end', buildZip([good], { afterEnd: Buffer.from('x') }), /right at its end/],
  ['a truncated zip', buildZip([good]).subarray(0, -1), /right at its end/],
  ['a second end record in the comment', buildZip([good], { comment: buildZip([]) }), /right at its end/],
  ['data after the directory', buildZip([good], { afterDirectory: zeros }), /does not end at/],
  ['a wrong offset of the directory', buildZip([good], { directoryOffset: 3 }), /does not end at/],
  ['a wrong size of the directory', buildZip([good], { directorySize: 4_000_000 }), /does not end at/],
  ['fewer records than counted', buildZip([good], { count: 2 }), /record 2 of 2 is missing/],
  ['more records than counted', buildZip([good, log], { count: 1 }), /65 bytes follow its last record/],
  ['a part of a multi-disk archive', buildZip([good], { disk: 1 }), /part of a multi-disk archive/],
  ['Zip64 without its record', buildZip([good], { count: 0xffff }), /has no Zip64 end record/],
  [
    'a wrong offset of the Zip64 record',
    buildZip([good], { zip64: { recordOffset: 7 } }),
    /position or length of its Zip64 end record is wrong/,
  ],
  [
    'a Zip64 record that contradicts the plain one',
    buildZip([good], { zip64: { plainCount: 7 } }),
    /contradict each other/,
  ],
  ['a Zip64 count beyond 2^53', buildZip([good], { zip64: { count: 2 ** 60 } }), /Infinity entries/],
  [
    'a Zip64 entry without its field',
    buildZip([{ ...good, size: 0xffffffff }]),
    /"index.html" has a wrong Zip64 field/,
  ],
  [
    'a Zip64 entry with a wrong size',
    buildZip([zip64Entry(6, deflated.length)]),
    /"a": it has 5 bytes, not 6/,
  ],
  // limits
  ['too many entries', buildZip([good, log]), /it has 2 entries, more than the limit of 1/, { entries: 1 }],
  [
    'too large a directory',
    buildZip([good]),
    /directory has 56 bytes, more than the limit of 50/,
    { directoryBytes: 50 },
  ],
  [
    'too large an entry',
    buildZip([good]),
    /"index.html": it has 19 bytes, more than the limit of 18/,
    { entryBytes: 18 },
  ],
  [
    'too large a total size',
    buildZip([good, log]),
    /unit.txt": it takes the wwz over the limit of 20 inflated bytes/,
    { totalBytes: 20 },
  ],
  [
    'too high a ratio',
    buildZip([{ name: 'z', content: Buffer.alloc(99_999) }]),
    /"z": it inflates .* 50 times/,
    { ratio: 50 },
  ],
  [
    'a zip bomb with a forged size',
    buildZip([{ name: 'z', content: Buffer.alloc(9_999_999), size: 10_000 }]),
    /"z": it inflates to more than its 10000 bytes/,
  ],
  [
    'a small zip bomb',
    buildZip([{ name: 'z', content: Buffer.alloc(200), size: 20 }]),
    /inflates to more than its 20 bytes/,
  ],
  // content
  [
    'a wrong checksum',
    buildZip([{ ...good, crc: 1 }]),
    /"index.html": its CRC-32 is [0-9a-f]{8}, not 00000001/,
  ],
  ['a wrong checksum of a stored entry', buildZip([{ ...log, crc: 1 }]), /its CRC-32 is/],
  [
    'a wrong checksum of a large entry',
    buildZip([{ name: 'l', content: Buffer.alloc(600_000, 'abc'), crc: 1 }]),
    /its CRC-32 is/,
  ],
  ['a wrong size', buildZip([{ ...good, size: 20 }]), /it has 19 bytes, not 20/],
  ['a stored entry with two different sizes', buildZip([{ ...log, size: 2 }]), /its two sizes differ/],
  [
    'damaged data',
    buildZip([{ ...good, data: Buffer.from('\xff\xff\xff\xff', 'latin1') }]),
    /deflated data is damaged \(Z_DATA_ERROR\)/,
  ],
  ['truncated data', buildZip([{ ...good, data: deflated.subarray(0, -2) }]), /damaged \(Z_BUF_ERROR\)/],
  [
    'bytes after the deflated data',
    buildZip([{ name: 'a', content: 'hello', data: Buffer.concat([deflated, zeros]) }]),
    /extra bytes follow its deflated data/,
  ],
  [
    'bytes after large deflated data',
    buildZip([
      {
        name: 'a',
        content: Buffer.alloc(600_000),
        data: Buffer.concat([deflateRawSync(Buffer.alloc(600_000)), zeros]),
      },
    ]),
    /extra bytes follow its deflated data/,
  ],
  // gaps and overlaps
  [
    'bytes before the first entry',
    buildZip([{ ...good, before: zeros }]),
    /first 8 bytes are not part of an entry/,
  ],
  ['bytes between entries', buildZip([good, { ...log, before: zeros }]), /"index.html": 8 bytes after it/],
  ['bytes before the directory', buildZip([good], { beforeDirectory: zeros }), /8 bytes after it/],
  [
    'bytes in a zip without entries',
    buildZip([], { beforeDirectory: zeros }),
    /first 8 bytes are not part of an entry/,
  ],
  [
    'two entries with one offset',
    buildZip([{ name: 'a' }, { name: 'b', offset: 0 }]),
    /overlaps the next entry/,
  ],
  [
    'an entry inside another',
    buildZip([
      { name: 'a', method: 0, content: 'x'.repeat(99) },
      { name: 'b', offset: 40 },
    ]),
    /"a": it overlaps the next entry/,
  ],
  [
    'an entry after the directory',
    buildZip([good, { name: 'b', offset: 5_000 }]),
    /"index.html": .* not part of an entry|overlaps/,
  ],
  [
    'an entry larger than the file',
    buildZip([{ ...log, compressedSize: 9_000, size: 9_000 }]),
    /overlaps the next entry/,
  ],
  // headers
  ['no local header', buildZip([{ ...good, local: { signature: 1 } }]), /no header at byte 0/],
  ['another name in the header', buildZip([{ ...good, local: { name: 'INDEX.HTML' } }]), /another name/],
  ['another method in the header', buildZip([{ ...good, local: { method: 0 } }]), /another method/],
  ['other flags in the header', buildZip([{ ...good, local: { flags: 0 } }]), /other flags/],
  ['another checksum in the header', buildZip([{ ...good, local: { crc: 1 } }]), /another checksum or size/],
  ['another size in the header', buildZip([{ ...good, local: { size: 1 } }]), /another checksum or size/],
  ['a missing descriptor', buildZip([{ ...described, after: Buffer.alloc(0) }]), /no descriptor/],
  [
    'a descriptor without its flag',
    buildZip([{ ...described, flags: 0x800, local: {} }]),
    /16 bytes after it/,
  ],
  [
    'a wrong descriptor',
    buildZip([{ ...described, after: makeDescriptor('hello', deflated, { crc: 1 }) }]),
    /descriptor has another/,
  ],
  ['a descriptor of a wrong length', buildZip([{ ...described, after: Buffer.alloc(15) }]), /no descriptor/],
  [
    'a truncated extra field',
    buildZip([{ ...good, extra: makeExtra(9, zeros, { length: 20 }) }]),
    /extra field is truncated/,
  ],
  [
    'an extra field with another name',
    buildZip([{ ...good, extra: makeExtra(0x7075, Buffer.from('\x01crc.evil.html')) }]),
    /extra field has another name/,
  ],
  // kinds
  ['an encrypted entry', buildZip([{ ...good, flags: 0x801 }]), /it is encrypted/],
  ['a strongly encrypted entry', buildZip([{ ...good, flags: 0x841 }]), /it is encrypted/],
  ['a patch', buildZip([{ ...good, flags: 0x820 }]), /its flags 0x20 are not supported/],
  ['another method', buildZip([{ ...good, method: 12 }]), /its method 12 is not 0 or 8/],
  ['another disk', buildZip([{ ...good, disk: 1 }]), /on another disk/],
  [
    'a symlink',
    buildZip([{ name: 'a', content: '/etc/passwd', attributes: symlink }]),
    /"a": its mode is that of a symlink/,
  ],
  ['a device', buildZip([{ name: 'a', attributes: 0o020666 * 0x10000 }]), /that of a device/],
  ['a FIFO', buildZip([{ name: 'a', attributes: 0o010666 * 0x10000 }]), /that of a FIFO/],
  ['a socket', buildZip([{ name: 'a', attributes: 0o140666 * 0x10000 }]), /that of a socket/],
  ['a folder without a slash', buildZip([{ name: 'a', attributes: folder }]), /its mode is that of a folder/],
  [
    'a file with a slash',
    buildZip([{ name: 'a/', attributes: 0o100644 * 0x10000 }]),
    /its mode is that of a regular file/,
  ],
  ['a folder with content', buildZip([{ name: 'a/', content: 'x' }]), /it is a folder, but has content/],
  // names
  ['an empty name', withName(''), /"": its name is empty/],
  ['a name with ..', withName('a/../../b'), /"a\/..\/..\/b": its name has the part ".."/],
  ['a name with .', withName('./a'), /has the part "."/],
  ['an absolute path', withName('/etc/passwd'), /is an absolute path/],
  ['an empty part', withName('a//b'), /has an empty part/],
  ['a drive letter', withName('C:a'), /drive letter/],
  ['a backslash', withName('a\\b'), /has a backslash/],
  ['a NUL character', withName('a\0b'), /"a\\u0000b": its name has a control character/],
  ['a line break', withName('a\nb'), /control character/],
  ['a C1 control character', withName('a\u0085b'), /control character/],
  ['a name that is not UTF-8', withName(Buffer.from([0x61, 0xff])), /its name is not UTF-8/],
  ['an overlong slash', withName(Buffer.from([0x2e, 0x2e, 0xc0, 0xaf])), /its name is not UTF-8/],
  ['a surrogate in UTF-8', withName(Buffer.from([0xed, 0xa0, 0x80])), /its name is not UTF-8/],
  ['a name longer than 1024 bytes', withName('a/'.repeat(600) + 'b'), /1201 bytes, more than 1024/],
  ['a part of a name longer than 255 bytes', withName('ü'.repeat(128)), /more than 255 bytes/],
  ['a duplicate name', buildZip([good, good]), /duplicate entry "index.html"/],
  ['a file and a name below it', buildZip([{ name: 'a' }, { name: 'a/b' }]), /"a\/b": "a" is a file$/],
  [
    'a file and a folder of the same name',
    buildZip([{ name: 'a/' }, { name: 'a' }]),
    /"a\/": "a" is a file$/,
  ],
  [
    'a file and a name below it, with others in between',
    buildZip([{ name: 'a' }, { name: 'a-b' }, { name: 'a.b' }, { name: 'a/b/c' }]),
    /"a\/b\/c": "a" is a file$/,
  ],
];

for (const [what, bytes, reason, limits] of refused) {
  test(`verifyWwz() rejects ${what}`, async () => {
    const result = await verify(bytes, limits);
    assert.ok(!result.ok, 'accepted');
    assert.match(result.error, reason);
  });
}

/** Covers every field of a header: extra fields, a descriptor, a folder, both methods. */
const seed = buildZip([
  { name: 'a/', method: 0 },
  { ...described, name: 'a/b.txt' },
  { name: 'c.png', method: 0, content: 'not really a picture' },
  { name: 'd.html', content: 'abc'.repeat(300), extra: makeExtra(0x5455, Buffer.alloc(5)) },
]);

const change = fc.tuple(fc.nat(seed.length - 1), fc.integer({ min: 1, max: 255 }));

test('verifyWwz() never throws on a damaged zip, and accepts it only if unzipper reads the same content', async () => {
  let acceptedCount = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
      const bytes = Buffer.from(seed);
      for (const [at, value] of changes) bytes[at] = (bytes[at] ?? 0) ^ value;
      const result = await verify(bytes);
      if (!result.ok) return;
      acceptedCount++;
      const read = new Map<string, string>();
      for (const file of (await Open.buffer(bytes)).files) {
        if (file.type === 'File') read.set(file.path.toLowerCase(), String(await file.buffer()));
      }
      assert.deepEqual([...read.values()], ['hello', 'not really a picture', 'abc'.repeat(300)]);
    }),
    { numRuns: 2000 },
  );
  assert.ok(acceptedCount > 0, 'some changes, such as those of a time, are accepted');
});
