import assert from 'node:assert/strict';
import { test } from 'node:test';
import { goldenPages } from './golden.js';

for (const [file, { now, reviewed }] of goldenPages()) {
  test(`golden page ${file} has not changed`, () => {
    // A diff of whole pages is long: name the first line that differs.
    const after = now.split('\n');
    const before = reviewed.split('\n');
    const line = after.findIndex((text, i) => text !== before[i]);
    assert.ok(
      now === reviewed,
      `${file}:${line + 1} differs\n  was: ${before[line] ?? '(end)'}\n  is:  ${after[line] ?? '(end)'}\n` +
        'If the new page is right: npm run build && node dist/test/golden.js --write, and review the diff.',
    );
  });
}
