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
