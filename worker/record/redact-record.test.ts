import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleRecord, task } from '../../test/sample-job.js';
import { formatRecord } from '../../model/record.js';
import { createRedactor } from '../redact/redactor.js';
import { redactProgress, redactRecord, redactRow } from './redact-record.js';

const secret = 'swordfish-0123456789';
const redactor = createRedactor([{ name: 'S', value: secret }]);

test('redactRecord(), redactRow() and redactProgress() leave no secret, and keep every name in the address', () => {
  const record = {
    ...sampleRecord,
    ...{ commitLine: `use ${secret}`, branch: `b-${secret}`, reason: secret, ref: `refs/heads/b-${secret}` },
    pullRequest: { number: '1', headRef: secret },
    image: { name: 'x', engine: 'podman' as const, layers: [{ bytes: 1, command: `ENV A=${secret}` }] },
    tasks: [{ name: 't', run: `curl -u x:${secret}` }],
  };
  const redacted = redactRecord(record, redactor);
  assert.ok(!formatRecord(redacted).includes(secret));
  assert.deepEqual(
    [redacted.job, redacted.commit, redacted.runId, redacted.attempt, redacted.tasks[0]?.name],
    [record.job, record.commit, record.runId, record.attempt, 't'],
  );
  const row = task('failed', 't', 1, { script: secret, action: `-x ${secret}` });
  assert.ok(!JSON.stringify(redactRow(row, redactor)).includes(secret));
  for (const progress of [
    { kind: 'notice', text: secret },
    { kind: 'done', outcome: 'error', status: 125, reason: secret },
    { kind: 'task-done', row, logFile: '/x' },
  ] as const) {
    assert.ok(!JSON.stringify(redactProgress(progress, redactor)).includes(secret));
  }
});
