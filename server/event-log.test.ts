import assert from 'node:assert/strict';
import { appendFile, mkdtemp, readFile, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { parseEvent } from '../model/event.js';
import { valueOf } from '../model/result.js';
import { EventLog, readEventLog, type LogEntry } from './event-log.js';

const start: LogEntry = {
  kind: 'event',
  time: 12.5,
  event: valueOf(
    parseEvent(Object.entries({ eventName: 'start', workerHost: 'local', runId: 'r', jobName: 'unit' })),
  ),
};
const record: LogEntry = { kind: 'record', time: 13, path: 'local-jobs/r/unit.json' };

async function logOf(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'soil-log-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return join(folder, 'events.jsonl');
}

async function write(path: string, ...entries: readonly LogEntry[]): Promise<void> {
  const log = await EventLog.open(path);
  for (const entry of entries) await log.append(entry);
  await log.close();
}

test('readEventLog() reads what was appended, over several openings', async (t) => {
  const path = await logOf(t);
  assert.deepEqual(await readEventLog(path), { entries: [], problems: [] });
  await write(path, start);
  await write(path, record);
  assert.deepEqual(await readEventLog(path), { entries: [start, record], problems: [] });
});

test('readEventLog() cuts a torn last line off, wherever it is torn', async (t) => {
  const path = await logOf(t);
  await write(path, start);
  const whole = await readFile(path);
  for (let torn = 1; torn < whole.length; torn += 7) {
    await appendFile(path, whole.subarray(0, torn));
    assert.deepEqual((await readEventLog(path)).entries, [start]);
    assert.deepEqual(await readFile(path), whole);
  }
  await truncate(path, whole.length - 1);
  assert.deepEqual((await readEventLog(path)).entries, []);
});

test('readEventLog() names a bad line and keeps the others', async (t) => {
  const path = await logOf(t);
  await write(path, start);
  await appendFile(path, '{"time":1}\nnonsense\n{"time":2,"event":{"eventName":"dance"}}\n');
  await write(path, record);
  const { entries, problems } = await readEventLog(path);
  assert.deepEqual(entries, [start, record]);
  assert.equal(problems.length, 3);
  assert.match(problems[0] ?? '', /:2: it has neither/);
  assert.match(problems[2] ?? '', /:4: .*"dance"/);
});
