import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createRedactor } from './redactor.js';
import { resolveSecrets, type Secret } from './secret-pattern.js';

const secretOf = (value: string): Secret => ({ name: 'S', value });
const masked = (value: string, text: string): string => createRedactor([secretOf(value)]).redact(text);

test('makeMask() hides a secret as it is, and leaves the rest', () => {
  assert.equal(masked('hunter2!', 'a hunter2! b hunter2!'), 'a ******** b ********');
  assert.equal(masked('hunter2!', 'hunter2'), 'hunter2');
  assert.equal(masked('höhle', 'die höhle.'), 'die ******.');
  assert.equal(masked('aaaaa', 'aaaaaaa'), '*******', 'overlapping places are hidden whole');
  assert.equal(createRedactor([]).redact('anything'), 'anything');
});

test('makeMask() hides URL-encoded forms in both cases, JSON and HTML forms', () => {
  const value = `p@ss/w"ör d&<'`;
  const hidden = [
    encodeURIComponent(value),
    encodeURIComponent(value).replace(/%../g, (hex) => hex.toLowerCase()),
    new URLSearchParams({ q: value }).toString().slice(2),
    JSON.stringify(value).slice(1, -1),
    'p@ss/w&quot;ör d&amp;&lt;&#39;',
  ];
  for (const text of hidden) assert.match(masked(value, `x${text}y`), /^x\*+y$/, text);
});

test('makeMask() hides base64 that was wrapped into lines, and keeps the breaks', () => {
  const value = 'k'.repeat(20) + '0123456789'.repeat(9);
  for (let before = 0; before < 80; before++) {
    const encoded = Buffer.from('.'.repeat(before) + value + '...').toString('base64');
    for (const width of [60, 64, 76]) {
      const wrapped = encoded.replace(new RegExp(`.{${width}}`, 'g'), '$&\r\n');
      const text = masked(value, wrapped);
      assert.equal(text.split('\r\n').length, wrapped.split('\r\n').length);
      const left = Buffer.from(text.replaceAll(/[\r\n*]/g, ''), 'base64').toString('latin1');
      assert.doesNotMatch(left, /[k0-9]{4}/, `${before} bytes before, lines of ${width}`);
    }
  }
});

test('makeMask() hides each longer line of a secret of several lines', () => {
  const key = '-----BEGIN KEY-----\nabcdefghijklmnop\nqrs\n-----END KEY-----\n';
  assert.equal(masked(key, '> abcdefghijklmnop\n> qrs\n'), `> ${'*'.repeat(16)}\n> qrs\n`);
  assert.doesNotMatch(masked(key, key), /[a-zA-Z]/);
});

test('makeMask() hides every secret wherever it stands among any bytes, in base64 of any alignment', () => {
  const word = fc
    .string({ unit: 'grapheme', minLength: 5, maxLength: 40 })
    .filter((s) => s.trim().length >= 5);
  const text = fc.string({ unit: 'grapheme', maxLength: 40 });
  const url = (encoded: string): string => encoded.replaceAll('+', '-').replaceAll('/', '_');
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 3 }), text, text, (values, before, after) => {
      const mask = createRedactor(values.map(secretOf));
      for (const value of values.map((v) => v.trim())) {
        assert.ok(!mask.redact(before + value + after).includes(value));
        const bytes = Buffer.from(before + value + after);
        // What is left of the base64 must not give the value back, wherever its groups of three begin.
        for (const encoded of [bytes.toString('base64'), url(bytes.toString('base64'))]) {
          assert.match(mask.redact(encoded), /\*{6}/);
          const left = Buffer.from(mask.redact(encoded).replaceAll('*', 'A'), 'base64').toString('latin1');
          assert.ok(!left.includes(Buffer.from(value).toString('latin1')));
        }
        assert.ok(!mask.redact(encodeURIComponent(value)).includes(encodeURIComponent(value)));
      }
    }),
  );
});

test('makeMask() leaves text without secrets as it is', () => {
  const mask = createRedactor([secretOf('not-in-there-0'), secretOf('another secret')]);
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (text) => {
      assert.equal(mask.redact(text), Buffer.from(text).toString());
    }),
  );
});

test('planSecrets() takes values from the environment, tells which are missing, and refuses short ones', () => {
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
