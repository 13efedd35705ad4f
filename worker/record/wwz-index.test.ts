import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkPage } from '../../test/html-check.js';
import { sampleRecord, task } from '../../test/sample-job.js';
import { sampleRows } from '../../test/sample-site.js';
import { renderImagePage, renderWwzIndex } from './wwz-index.js';

test('renderWwzIndex() links each log, each result and the files one folder up', () => {
  const html = renderWwzIndex({ record: sampleRecord, rows: sampleRows(), hasImagePage: true });
  const { faults, elements } = checkPage(html);
  assert.deepEqual(faults, []);
  const links = elements.flatMap((e) => e.attributes.get('href') ?? []);
  for (const link of [
    '_soil/style.css',
    '_soil/logs/spec.txt',
    '_soil/logs/gc%20stress.txt',
    '_test/gc/',
    '_test/cpp%20unit/index.html',
    '_soil/image.html',
    '../index.html',
    '../cpp-small.tsv',
    '../cpp-small.json',
    '../cpp-small.wwz',
    `../../commits/${sampleRecord.commit ?? ''}.html`,
  ]) {
    assert.ok(links.includes(link), link);
  }
  assert.ok(!links.includes('_soil/logs/upload.txt'), 'a skipped task has no log');
});

test('renderWwzIndex() does not link to a missing image page', () => {
  const html = renderWwzIndex({ record: sampleRecord, rows: [], hasImagePage: false });
  assert.doesNotMatch(html, /_soil\/image\.html/);
  assert.match(html, /No task ran\./);
});

test('renderWwzIndex() computes a missing outcome, and shows the reason', () => {
  const { outcome, ...record } = { ...sampleRecord, reason: 'the disk is full <b>' };
  assert.equal(outcome, 'failed');
  const passed = checkPage(renderWwzIndex({ record, rows: [task('passed', 'a', 1)], hasImagePage: false }));
  assert.match(passed.text, /✓ passed/);
  assert.match(passed.text, /the disk is full <b>/);
  assert.match(checkPage(renderWwzIndex({ record, rows: [], hasImagePage: false })).text, /∅ no task ran/);
});

test('renderWwzIndex() shows known failures with their reason, and what a limit left out', () => {
  const record = {
    ...sampleRecord,
    tasks: [
      { name: 'parse', run: 'exit 3', note: 'known failure until 2027-01-31: <quotes>' },
      { name: 'fixed', run: 'true', note: 'expected to fail, but it passed: <quotes>' },
    ],
    leftOut: [
      { file: 'out/<big>.bin', bytes: 3_000_000_000, limit: 'the server accepts 1 GB' },
      { file: 'out/a', bytes: 10, more: 465, limit: 'Soil accepts 65534 files in a wwz' },
      { file: '_soil/logs/t.txt', bytes: 20_000, isPart: true, limit: 'the server accepts 1 kB of this log' },
    ],
  };
  const rows = [
    task('known-failure', 'parse', 1, { status: 3 }),
    task('unexpected-pass', 'fixed', 1, { status: 0 }),
  ];
  const { faults, text } = checkPage(renderWwzIndex({ record, rows, hasImagePage: false }));
  assert.deepEqual(faults, []);
  assert.match(text, /≉ known failure known failure until 2027-01-31: <quotes>/);
  assert.match(text, /≠ unexpected pass expected to fail, but it passed: <quotes>/);
  assert.match(text, /Left out\s+left out "out\/<big>\.bin" \(3\.0 GB\): the server accepts 1 GB/);
  assert.match(text, /left out "out\/a" and 465 more files \(10 B\): Soil accepts 65534 files in a wwz/);
  assert.match(text, /left out 20\.0 kB in the middle of "_soil\/logs\/t\.txt"/);
});

test('renderWwzIndex() escapes the record and its rows', () => {
  const record = {
    ...sampleRecord,
    commitLine: '<script>alert(1)</script>\u202e',
    branch: '"><img onerror>',
    jobUrl: 'javascript:alert(1)',
  };
  const rows = [task('failed', '<i>"', 1, { status: 1, script: '<script>' })];
  const html = renderWwzIndex({ record, rows, hasImagePage: false });
  const { faults, elements } = checkPage(html);
  assert.deepEqual(faults, []);
  assert.ok(elements.every((e) => e.name !== 'script' && e.name !== 'i'));
  assert.doesNotMatch(html, /javascript:|\u202e/);
});

test('renderImagePage() lists the layers with size and command, and the total size', () => {
  const { image } = sampleRecord;
  assert.ok(image);
  const { text, faults } = checkPage(renderImagePage({ image, pullSeconds: 74.2 }));
  assert.deepEqual(faults, []);
  assert.match(text, /Total412 MB/);
  assert.match(text, /Pulled in1 min 14 s/);
  assert.match(text, /301 MB.*apt-get install -y g\+\+ <&1/);
  const { bytes, ...unmeasured } = image;
  assert.ok(bytes);
  assert.match(checkPage(renderImagePage({ image: unmeasured, pullSeconds: undefined })).text, /Total412 MB/);
});

test('renderImagePage() says when an image has no layers', () => {
  const html = renderImagePage({
    image: { name: 'x', engine: 'docker', layers: [] },
    pullSeconds: undefined,
  });
  assert.match(html, /The container engine reported no layers/);
});
