import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { TaskName } from '../../model/name.js';
import { recordSchema } from '../../model/record.js';
import type { TaskRow } from '../../model/row.js';
import { formatStepSummary, maxSummaryBytes, type SummaryOptions } from './step-summary.js';

const row = (change: Partial<TaskRow>): TaskRow => ({
  ...{ kind: 'row', status: 0, task: 'unit' as TaskName, script: 'x', action: '-', outcome: 'passed' },
  ...{ allowed: false, tries: 1, elapsedSeconds: 1.234 },
  ...change,
});
const record = { schema: recordSchema, attempt: 1, tasks: [], expectedJobs: [] };
const summary = (change: Partial<SummaryOptions>, rows: readonly TaskRow[] = []): string =>
  formatStepSummary({
    ...{ job: 'unit', end: { outcome: 'failed', record, rows }, urls: [], tails: new Map() },
    ...{ maxBytes: maxSummaryBytes },
    ...change,
  }) ?? 'none';

test('formatStepSummary() escapes task names in its table', () => {
  const task = 'a | b <img src=x> [l](javascript:x) @who' as TaskName;
  const text = summary({ urls: ['https://ci.example/x/'] }, [row({ task, status: 1, outcome: 'failed' })]);
  assert.match(text, /^### unit: failed\n/);
  assert.match(
    text,
    /\| failed \| 1 \| 1\.23 s \| a &#124; b &#60;img src=x&#62; &#91;l&#93;\(javascript&#58;x\) &#64;who \|/,
  );
  assert.match(text, /- <https:\/\/ci\.example\/x\/>/);
});

test('formatStepSummary() shows and escapes the last lines of each failed log', () => {
  const log = Array.from({ length: 30 }, (_, i) => `line ${i}`).join('\n');
  const text = summary({
    tails: new Map([
      ['unit', `${log}\n</pre><script>x</script> & \`\`\`\n\u001b[31mred\u001b[0m`],
      ['lint', 'one'],
      ['[silent](x)', '\n'],
    ]),
  });
  assert.match(text, /<summary>unit: the last 20 lines<\/summary>/);
  assert.match(text, /<summary>lint: the whole log<\/summary>\n\n<pre>\none\n<\/pre>/);
  assert.match(text, /^&#91;silent&#93;\(x\): the log is empty$/m);
  assert.doesNotMatch(text, /line 11\n|<script|\u001b/);
  assert.match(text, /line 12\n/);
  assert.match(text, /&#60;\/pre&#62;&#60;script&#62;x&#60;\/script&#62; &#38; ```\nred\n<\/pre>/);
});

test('formatStepSummary() stays within its limit and counts what it left out', () => {
  const rows = Array.from({ length: 500 }, (_, i) => row({ task: `größe ${i}` as TaskName }));
  const tails = new Map(rows.map(({ task }) => [task as string, 'ä'.repeat(900)]));
  fc.assert(
    fc.property(fc.nat({ max: 1_200_000 }), (maxBytes) => {
      const text = formatStepSummary({
        ...{ job: 'unit', end: { outcome: 'failed', record, rows }, urls: ['https://x/'], tails, maxBytes },
      });
      assert.ok(text === undefined || Buffer.byteLength(text) <= maxBytes);
    }),
    { numRuns: 50 },
  );
  const some = summary({ tails, maxBytes: 40_000 }, rows);
  assert.match(some, /… and \d+ more logs, see the job's log\./);
  assert.match(summary({ tails, maxBytes: 9000 }, rows), /… and \d+ more tasks, .*\n\n… and 500 more logs/);
  assert.equal(summary({ maxBytes: 100 }), 'none');
});
