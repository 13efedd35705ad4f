// cspell:ignore ouml TEMZUXG BNGAYTEMZUGU DOOBZ hunte unte
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createRedactor } from './redactor.js';
import { resolveSecrets, type Secret } from './secret-pattern.js';

const secretOf = (value: string): Secret => ({ name: 'S', value });
const redacted = (value: string, text: string): string => createRedactor([secretOf(value)]).redact(text);

test('createRedactor() redacts a verbatim secret and nothing else', () => {
  assert.equal(redacted('hunter2!', 'a hunter2! b hunter2!'), 'a ******** b ********');
  assert.equal(redacted('hunter2!', 'hunter2'), 'hunter2');
  assert.equal(redacted('höhle', 'die höhle.'), 'die ******.');
  assert.equal(redacted('aaaaa', 'aaaaaaa'), '*******', 'overlapping matches are redacted as a whole');
  assert.equal(createRedactor([]).redact('anything'), 'anything');
});

test('createRedactor() redacts URL-encoded forms in both cases, and JSON and HTML forms', () => {
  const value = `p@ss/w"ör d&<'`;
  const forms = [
    encodeURIComponent(value),
    encodeURIComponent(value).replace(/%../g, (hex) => hex.toLowerCase()),
    new URLSearchParams({ q: value }).toString().slice(2),
    JSON.stringify(value).slice(1, -1),
    'p@ss/w&quot;ör d&amp;&lt;&#39;',
  ];
  for (const text of forms) assert.match(redacted(value, `x${text}y`), /^x\*+y$/, text);
});

test('createRedactor() redacts base64 that is wrapped into lines, and keeps the line breaks', () => {
  const value = 'k'.repeat(20) + '0123456789'.repeat(9);
  for (let before = 0; before < 80; before++) {
    const encoded = Buffer.from('.'.repeat(before) + value + '...').toString('base64');
    for (const width of [60, 64, 76]) {
      const wrapped = encoded.replace(new RegExp(`.{${width}}`, 'g'), '$&\r\n');
      const text = redacted(value, wrapped);
      assert.equal(text.split('\r\n').length, wrapped.split('\r\n').length);
      const left = Buffer.from(text.replaceAll(/[\r\n*]/g, ''), 'base64').toString('latin1');
      assert.doesNotMatch(left, /[k0-9]{4}/, `${before} bytes before, lines of ${width}`);
    }
  }
});

test('createRedactor() redacts each longer line of a multi-line secret', () => {
  const key = '-----BEGIN KEY-----\nabcdefghijklmnop\nqrs\n-----END KEY-----\n';
  assert.equal(redacted(key, '> abcdefghijklmnop\n> qrs\n'), `> ${'*'.repeat(16)}\n> qrs\n`);
  assert.doesNotMatch(redacted(key, key), /[a-zA-Z]/);
});

test('createRedactor() redacts every secret at any offset in any text, and in base64 of any alignment', () => {
  const word = fc
    .string({ unit: 'grapheme', minLength: 5, maxLength: 40 })
    .filter((s) => s.trim().length >= 5);
  const text = fc.string({ unit: 'grapheme', maxLength: 40 });
  const url = (encoded: string): string => encoded.replaceAll('+', '-').replaceAll('/', '_');
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 3 }), text, text, (values, before, after) => {
      const redactor = createRedactor(values.map(secretOf));
      for (const value of values.map((v) => v.trim())) {
        assert.ok(!redactor.redact(before + value + after).includes(value));
        const bytes = Buffer.from(before + value + after);
        // The rest of the base64 must not decode to the value, wherever its groups of three start.
        for (const encoded of [bytes.toString('base64'), url(bytes.toString('base64'))]) {
          assert.match(redactor.redact(encoded), /\*{6}/);
          const left = Buffer.from(redactor.redact(encoded).replaceAll('*', 'A'), 'base64').toString(
            'latin1',
          );
          assert.ok(!left.includes(Buffer.from(value).toString('latin1')));
        }
        assert.ok(!redactor.redact(encodeURIComponent(value)).includes(encodeURIComponent(value)));
      }
    }),
  );
});

test('createRedactor() redacts any mixture of spellings in one value', () => {
  const value = `p@ss/w"ör d&<'x😀`;
  for (const text of [
    String.raw`p@ss\/w\"ör d\u0026\u003C\u0027x\ud83d\uDE00`,
    String.raw`p%40ss%2fw%22%C3%b6r+d&amp;&lt;&#039;x&#128512;`,
    String.raw`p\@ss/w\"\303\266r\ d\&\<\'x\xf0\x9f\x98\x80`,
    String.raw`p@ss/w"&ouml;r d&#38;&#x3C;&apos;x\U0001f600`,
    String.raw`p@ss/w"\xf6r d&<'\''x\u{1f600}`,
    String.raw`p@ss/w\\\"\\u00f6r d&<'"'"'x\\\ud83d\\\ude00`,
  ]) {
    assert.match(redacted(value, `(${text})`), /^\(\*+\)$/, text);
  }
});

test('createRedactor() redacts base32 and hex, as base32, xxd, od and openssl write them', () => {
  const value = 'swordfish-0123456789';
  const hex = Buffer.from(value).toString('hex');
  for (const text of [
    hex,
    hex.toUpperCase(),
    hex.replace(/..(?=.)/g, '$& '),
    hex.replace(/..(?=.)/g, '$&:'),
  ]) {
    assert.match(redacted(value, text), /^\*+$/, text);
  }
  assert.match(redacted(value, hex.replace(/.{16}/g, '$&\n')), /^\*{16}\n\*{16}\n\*{8}$/);
  assert.match(redacted(value, 'ON3W64TEMZUXG2BNGAYTEMZUGU3DOOBZ'), /^\*{32}$/);
});

test('createRedactor() with a short value leaves similar text as it is', () => {
  for (const [value, text] of [
    ['1 2 3', '1\n2\n3\n'],
    ['a b c', 'a\n b\n c'],
    ['hunte', 'h u n t e; h\\unte; H%55NTE; h\nunte'],
    ['12:34', '1234 12-34 12.34 12 34'],
    ['a-b-c', 'abc a_b_c a b c a+b+c'],
    ['00000', '0 0 0 0 0 0x0000 0:0:0:0:0'],
  ] as const) {
    assert.equal(redacted(value, text), text, value);
  }
});

test('createRedactor() takes the time of one pass, whatever a task prints', () => {
  const value = `a'b"c\\d e&f<g`;
  const redactor = createRedactor([secretOf(value), secretOf('-----BEGIN KEY-----\n' + 'ab/c'.repeat(16))]);
  const texts = ['\\', "'", '"', '%25', '&amp;', `a'`, `a'b"c\\`, '-----BEGIN KEY-----\n', 'ab/c', 'a\n'];
  for (const text of texts) {
    const bytes = Buffer.alloc(400_000, text);
    const before = process.cpuUsage().user;
    redactor.find(bytes);
    assert.ok(process.cpuUsage().user - before < 4_000_000, JSON.stringify(text));
  }
});

test('createRedactor() does not change text without secrets', () => {
  const redactor = createRedactor([secretOf('not-in-there-0'), secretOf('another secret')]);
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (text) => {
      assert.equal(redactor.redact(text), Buffer.from(text).toString());
    }),
  );
});

test('resolveSecrets() reads values from the environment, lists missing ones, and rejects values of a bad length', () => {
  assert.deepEqual(resolveSecrets(['A', 'B', 'A'], { A: 'value-of-a', B: '' }), {
    ok: true,
    value: { secrets: [{ name: 'A', value: 'value-of-a' }], missing: ['B'] },
  });
  const short = resolveSecrets(['PIN'], { PIN: '1234' });
  assert.ok(!short.ok);
  assert.match(short.error, /^cannot use secret "PIN": its value is shorter than 5 bytes/);
  assert.doesNotMatch(short.error, /1234/);
  assert.ok(!resolveSecrets(['LONG'], { LONG: 'x'.repeat(65537) }).ok);
});
