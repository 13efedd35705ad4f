import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { Open } from 'unzipper';
import { bufferSource } from './byte-source.js';
import { entriesOf } from './directory.js';
import { checkEntryName } from './entry-name.js';
import { defaultWwzLimits } from './limits.js';
import { readDirectory } from './open.js';
import { verifyWwz } from './verify.js';
import { checkWritableName, writeWwz, type WwzSource } from './write.js';

const run = promisify(execFile);
let folder = '';

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'soil-write-'));
});
after(async () => {
  await rm(folder, { recursive: true });
});

const bytes = (name: string, content: string | Buffer): WwzSource => ({
  kind: 'bytes',
  name,
  bytes: Buffer.from(content),
});

async function write(sources: readonly WwzSource[]): Promise<Buffer> {
  const target = join(folder, 'packed.wwz');
  const written = await writeWwz(target, sources);
  assert.ok(written.ok, written.ok ? '' : written.error);
  const packed = await readFile(target);
  assert.deepEqual(written.value, { files: sources.length, bytes: packed.length });
  return packed;
}

async function entriesIn(zip: Buffer) {
  const read = await readDirectory(bufferSource(zip), defaultWwzLimits);
  assert.ok(read.ok);
  return [...entriesOf(read.value.directory)];
}

const large = Buffer.alloc(700_000, 'a large log, which is read as a stream\n');

test('writeWwz() sorts entries by bytes, and does not deflate compressed files', async () => {
  const packed = await write([
    bytes('b.html', 'b'),
    bytes('_soil/logs/unit.txt', 'ok'),
    bytes('picture.PNG', 'not really'),
    bytes('.png', 'a dot file of that name'),
    bytes('a/ü.txt', 'ü'),
    bytes('a-b.txt', ''),
    bytes('large.gz', large),
  ]);
  assert.deepEqual(
    (await entriesIn(packed)).map((entry) => [entry.name, entry.method, entry.size]),
    [
      ['.png', 8, 23],
      ['_soil/logs/unit.txt', 8, 2],
      ['a-b.txt', 0, 0],
      ['a/ü.txt', 8, 2],
      ['b.html', 8, 1],
      ['large.gz', 0, large.length],
      ['picture.PNG', 0, 10],
    ],
  );
});

test('writeWwz() writes zips that unzip, unzipper and verifyWwz() accept', async () => {
  const packed = await write([
    bytes('a/b.txt', 'hello'),
    bytes('empty', ''),
    bytes('l.txt', large),
    bytes('l.gz', large),
  ]);
  const verified = await verifyWwz(bufferSource(packed));
  assert.deepEqual(verified, {
    ok: true,
    value: { entries: 4, totalBytes: 5 + 2 * large.length, commentBytes: 0 },
  });
  await run('unzip', ['-tq', join(folder, 'packed.wwz')]);
  const files = (await Open.buffer(packed)).files;
  assert.deepEqual(await Promise.all(files.map(async (file) => [file.path, (await file.buffer()).length])), [
    ['a/b.txt', 5],
    ['empty', 0],
    ['l.gz', large.length],
    ['l.txt', large.length],
  ]);
});

test('writeWwz() output does not depend on order, file mode, time zone and umask', async () => {
  const names = ['x.txt', 'y/z.html', 'large.txt', 'large.gz', 'empty'];
  const contents = ['x', '<p>z</p>'.repeat(99), large, large, ''];
  const inMemory = await write(names.map((name, i) => bytes(name, contents[i] ?? '')));
  const source = join(folder, 'source');
  await mkdir(join(source, 'y'), { recursive: true });
  const files: WwzSource[] = [];
  for (const [i, name] of names.entries()) {
    await writeFile(join(source, name), contents[i] ?? '');
    await chmod(join(source, name), i % 2 === 0 ? 0o600 : 0o755);
    files.unshift({ kind: 'file', name, path: join(source, name) });
  }
  assert.deepEqual(await write(files), inMemory);

  const module = fileURLToPath(new URL('write.js', import.meta.url));
  const script = `import(${JSON.stringify(module)}).then(async (m) => {
    process.umask(0o077);
    const r = await m.writeWwz(process.argv[1], ${JSON.stringify(files)});
    if (!r.ok) throw new Error(r.error);
  })`;
  for (const TZ of ['Pacific/Auckland', 'America/Los_Angeles']) {
    const target = join(folder, 'zone.wwz');
    await run(process.execPath, ['-e', script, target], { env: { TZ } });
    assert.deepEqual(await readFile(target), inMemory, TZ);
  }
});

const badSources: [string, WwzSource[], RegExp][] = [
  ['a name outside the folder', [bytes('../a', '')], /"..\/a": its name has the part ".."/],
  ['an absolute name', [bytes('/a', '')], /absolute path/],
  ['a name with a line break', [bytes('a\nb', '')], /control character/],
  ['a name with a lone surrogate', [bytes('a\ud800', '')], /not Unicode/],
  ['a folder', [bytes('a/', '')], /the name of a folder/],
  ['a name that archiver would shorten', [bytes('http:a', '')], /like a drive or a URL/],
  ['a duplicate name', [bytes('a', '1'), bytes('a', '2')], /it collides with entry "a"/],
  ['a file and a name below it', [bytes('a/b', '1'), bytes('a', '2')], /"a\/b": it collides with entry "a"/],
  ['a file that is missing', [{ kind: 'file', name: 'a', path: '/nowhere/a' }], /"\/nowhere\/a": ENOENT/],
  ['a device', [{ kind: 'file', name: 'a', path: '/dev/null' }], /"\/dev\/null": not a regular file/],
  ['a folder as a file', [{ kind: 'file', name: 'a', path: '/etc' }], /"\/etc": not a regular file/],
];

for (const [what, sources, reason] of badSources) {
  test(`writeWwz() rejects ${what}, and leaves the old file`, async () => {
    const target = join(await mkdtemp(join(folder, 'bad-')), 'a.wwz');
    await writeFile(target, 'before');
    const written = await writeWwz(target, [bytes('0', 'first'), ...sources]);
    assert.ok(!written.ok);
    assert.match(written.error, reason);
    assert.equal(await readFile(target, 'utf8'), 'before');
    assert.deepEqual(await readdir(join(target, '..')), ['a.wwz']);
  });
}

test('writeWwz() does not follow a symlink', async () => {
  const path = join(folder, 'link');
  await symlink('/etc/passwd', path);
  const written = await writeWwz(join(folder, 'l.wwz'), [{ kind: 'file', name: 'a', path }]);
  assert.match(written.ok ? '' : written.error, /cannot read ".*link": ELOOP/);
});

test('writeWwz() reports a full disk', async () => {
  // A missing folder fails at the start, a full disk in the middle.
  const missing = await writeWwz(join(folder, 'missing', 'a.wwz'), [bytes('a', 'x')]);
  assert.match(missing.ok ? '' : missing.error, /cannot write ".*a.wwz": ENOENT/);
  const module = fileURLToPath(new URL('write.js', import.meta.url));
  // A limit on file sizes also fails in the middle of a write: the signal is ignored, so the call fails with EFBIG.
  const script = `import(${JSON.stringify(module)}).then(async (m) => {
    const random = require('node:crypto').randomBytes(900_000);
    const sources = ['a', 'b', 'c'].map((name) => ({ kind: 'bytes', name, bytes: random }));
    console.log(JSON.stringify(await m.writeWwz(process.argv[1], sources)));
  })`;
  const { stdout } = await run('sh', [
    ...['-c', 'trap "" XFSZ; ulimit -f 1000; exec "$0" -e "$1" "$2"'],
    ...[process.execPath, script, join(folder, 'full.wwz')],
  ]);
  assert.match(stdout, /"ok":false,"error":"cannot write .*EFBIG/);
  assert.deepEqual(
    (await readdir(folder)).filter((name) => name.includes('full')),
    [],
  );
});

test('checkWritableName() rejects every name that verification rejects', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 12 }), (name) => {
      assert.ok(!checkWritableName(name).ok || checkEntryName(name).ok);
    }),
  );
});

const part = fc.stringMatching(/^[a-zé😀._ -]{1,6}$/u).filter((text) => !['.', '..'].includes(text));
const path = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));

test('writeWwz() preserves all names and contents', async () => {
  await fc.assert(
    fc.asyncProperty(fc.dictionary(path, fc.uint8Array({ maxLength: 300 })), async (files) => {
      const target = join(folder, 'round.wwz');
      const written = await writeWwz(
        target,
        Object.entries(files).map(([name, content]) => ({ kind: 'bytes', name, bytes: content })),
      );
      if (!written.ok) {
        assert.match(written.error, /it collides with entry /);
        return;
      }
      const packed = await readFile(target);
      const verified = await verifyWwz(bufferSource(packed));
      assert.ok(verified.ok, verified.ok ? '' : verified.error);
      const read = (await Open.buffer(packed)).files;
      const back = await Promise.all(read.map(async (f) => [f.path, [...(await f.buffer())]] as const));
      assert.deepEqual(
        new Map(back),
        new Map(Object.entries(files).map(([name, content]) => [name, [...content]])),
      );
    }),
    { numRuns: 60 },
  );
});
