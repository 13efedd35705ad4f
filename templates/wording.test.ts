import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { taskOutcomes } from '../model/outcome.js';
import {
  bytesText,
  durationText,
  httpUrl,
  instantOf,
  markOf,
  outcomesBySeverity,
  visibleText,
} from './wording.js';

test('durationText() selects the unit after rounding', () => {
  const table: [number, string][] = [
    [0, '0.00 s'],
    [0.04, '0.04 s'],
    [0.9949, '0.99 s'],
    [0.995, '1.0 s'],
    [1.3, '1.3 s'],
    [59.94, '59.9 s'],
    [59.96, '1 min 00 s'],
    [245, '4 min 05 s'],
    [3599.4, '59 min 59 s'],
    [3599.6, '1 h 00 min'],
    [3725, '1 h 02 min'],
    [86_399, '1 d 0 h'],
    [273_600, '3 d 4 h'],
    [-1, '0.00 s'],
  ];
  for (const [seconds, text] of table) assert.equal(durationText(seconds), text);
});

test('bytesText() returns up to three digits and a unit', () => {
  const table: [number, string][] = [
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [9949, '9.9 kB'],
    [9951, '10 kB'],
    [999_600, '1.0 MB'],
    [220_400, '220 kB'],
    [1_234_000_000, '1.2 GB'],
    [5e15, '5000 TB'],
  ];
  for (const [bytes, text] of table) assert.equal(bytesText(bytes), text);
});

test('instantOf() returns a year, a time zone and a machine-readable time', () => {
  assert.deepEqual(instantOf(Date.UTC(2026, 0, 13, 14, 5, 7) / 1000 + 0.75), {
    datetime: '2026-01-13T14:05:07Z',
    text: '2026-01-13 14:05:07 UTC',
    short: '2026-01-13 14:05 UTC',
  });
  assert.equal(instantOf(undefined), undefined);
  assert.equal(instantOf(9e15), undefined);
});

test('httpUrl() accepts only http and https, without a password', () => {
  assert.equal(httpUrl('https://ci.example/a?b=c'), 'https://ci.example/a?b=c');
  assert.equal(httpUrl('http://ci.example'), 'http://ci.example/');
  const refused = [
    undefined,
    '',
    'javascript:alert(1)',
    ' JaVaScRiPt:alert(1)',
    'java\nscript:alert(1)',
    'data:text/html,x',
    'vbscript:x',
    'file:///etc/passwd',
    '//ci.example/a',
    'ci.example/a',
    'https://github.example@evil.example/',
    'https://u:p@evil.example/',
  ];
  for (const url of refused) assert.equal(httpUrl(url), undefined, `${url}`);
});

test('httpUrl() never returns another scheme', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.webUrl(),
        fc.string(),
        fc.string().map((s) => `javascript:${s}`),
      ),
      (text) => {
        const url = httpUrl(text);
        assert.ok(url === undefined || /^https?:\/\/[^/@]+/.test(url));
      },
    ),
  );
});

test('visibleText() escapes invisible and direction characters, and keeps every script', () => {
  assert.equal(visibleText('a\u202egnp.exe'), 'a\\u202egnp.exe');
  assert.equal(visibleText('a\u0000\u001b[31m\u2066\ufeff'), 'a\\u0000\\u001b[31m\\u2066\\ufeff');
  assert.equal(visibleText('a\ud800b'), 'a\\ud800b');
  assert.equal(
    visibleText('\u200b\u00ad\u2060\u3164\u2800\u200f\u{e0001}'),
    '\\u200b\\u00ad\\u2060\\u3164\\u2800\\u200f\\udb40\\udc01',
  );
  const kept = 'שלום عالم 日本語 naïve 👩‍🚀 — “ok”';
  assert.equal(visibleText(kept), kept);
});

test('markOf() returns a unique word and symbol for every outcome', () => {
  const marks = outcomesBySeverity.map(markOf);
  assert.equal(new Set(marks.map((m) => m.word)).size, marks.length);
  assert.equal(new Set(marks.map((m) => m.symbol)).size, marks.length);
  for (const outcome of taskOutcomes) assert.ok(outcomesBySeverity.includes(outcome), outcome);
});
