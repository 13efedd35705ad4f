import assert from 'node:assert/strict';
import { test } from 'node:test';
import { valueOf } from './result.js';
import { limitsToJson, parseUploadLimits, type UploadLimits } from './upload-limits.js';

const limits: UploadLimits = {
  ...{ bodyBytes: 1, wwzBytes: 2, tsvBytes: 3, jsonBytes: 4, entries: 5, entryBytes: 6, totalBytes: 7 },
  ...{ directoryBytes: 8, ratio: 9, rows: 10, expectedJobs: 11, artifactBytes: 12 },
};

test('parseUploadLimits() reads what limitsToJson() writes', () => {
  assert.deepEqual(valueOf(parseUploadLimits(JSON.stringify(limitsToJson(limits)))), limits);
});

test('parseUploadLimits() reads a missing limit as none, and ignores others', () => {
  const read = valueOf(parseUploadLimits('{"wwz-entry": 10, "later": "x", "body": null}'));
  assert.equal(read.entryBytes, 10);
  assert.equal(read.bodyBytes, Infinity);
});

test('parseUploadLimits() rejects what is not an object of positive numbers', () => {
  for (const text of ['', 'x', '[]', '1', 'null', '{"wwz": "1"}', '{"wwz": 0}', '{"body": -5}', '<html>']) {
    const result = parseUploadLimits(text);
    assert.ok(!result.ok, text);
    assert.match(result.error, /^cannot read the limits "/);
  }
});
