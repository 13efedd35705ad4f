import assert from 'node:assert/strict';
import { appendFile, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { parseEvent } from '../../model/event.js';
import { valueOf } from '../../model/result.js';
import { cutTornLine, EventLog, logFiles, readLog } from './event-log.js';
import { chainStart, formatLine, parseAddress, sha256, type LogEntry } from './log-entry.js';

const start: LogEntry = {
  kind: 'event',
  time: 12.5,
  event: valueOf(
    parseEvent(Object.entries({ eventName: 'start', workerHost: 'local', runId: 'r', jobName: 'unit' })),
  ),
};
const address = valueOf(parseAddress('local/r/unit'));
const record: LogEntry = {
  kind: 'record',
  time: 13,
  address,
  digests: { json: sha256('{}'), tsv: sha256(''), wwz: sha256('PK') },
  found: false,
};
const lost: LogEntry = { kind: 'lost', time: 14, address };

async function folderOf(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'soil-log-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Opens the log, appends and closes it. With a small limit, the next append goes to a new file. */
async function write(folder: string, entries: readonly LogEntry[], limit?: number): Promise<void> {
  const log = await EventLog.open(folder, valueOf(await readLog(folder)).end);
  await log.append(entries);
  await log.rotate(limit);
  await log.close();
}

const entriesOf = async (folder: string) => valueOf(await readLog(folder)).entries.map(({ entry }) => entry);
const onlyFile = async (folder: string): Promise<string> => (await logFiles(folder))[0]?.path ?? '';

test('readLog() reads what was appended, in several sessions and files', async (t) => {
  const folder = await folderOf(t);
  assert.deepEqual(await entriesOf(folder), []);
  await write(folder, [start]);
  await write(folder, [record, lost], 1);
  await write(folder, [start]);
  assert.deepEqual(await entriesOf(folder), [start, record, lost, start]);
  assert.deepEqual(
    (await logFiles(folder)).map(({ first }) => first),
    [1, 4],
  );
  assert.deepEqual(valueOf(await readLog(folder)).problems, []);
});

test('formatLine() writes the number of a line and the SHA-256 of the line before it', async (t) => {
  const folder = await folderOf(t);
  await write(folder, [start, record]);
  const lines = (await readFile(await onlyFile(folder), 'utf8')).split('\n').slice(0, -1);
  const chained = lines.map((line) => {
    const { sequence, previous } = JSON.parse(line) as Record<string, unknown>;
    return { sequence, previous };
  });
  assert.deepEqual(chained, [
    { sequence: 1, previous: '0'.repeat(64) },
    { sequence: 2, previous: sha256(lines[0] ?? '') },
  ]);
  assert.equal(formatLine(start, chainStart).line, `${lines[0] ?? ''}\n`);
});

test('readLog() reads what follows a given line, and refuses a line that the log does not have', async (t) => {
  const folder = await folderOf(t);
  await write(folder, [start, record], 1);
  const { end } = valueOf(await readLog(folder));
  await write(folder, [lost, start], 1);
  const tail = valueOf(await readLog(folder, end));
  assert.deepEqual(
    tail.entries.map(({ sequence }) => sequence),
    [3, 4],
  );
  assert.equal(tail.end.sequence, 4);
  const nothing = valueOf(await readLog(folder, tail.end));
  assert.deepEqual(nothing, { entries: [], end: tail.end, problems: [] });
  assert.ok(!(await readLog(folder, { ...end, hash: sha256('other') })).ok);
  assert.ok(!(await readLog(folder, { ...end, sequence: 9 })).ok);
});

test('readLog() skips a torn last line, and cutTornLine() removes it', async (t) => {
  const folder = await folderOf(t);
  await write(folder, [start]);
  const path = await onlyFile(folder);
  const whole = await readFile(path);
  for (let torn = 1; torn < whole.length; torn += 7) {
    await appendFile(path, whole.subarray(0, torn));
    assert.deepEqual(await entriesOf(folder), [start]);
    assert.equal(await cutTornLine(folder), torn);
    assert.deepEqual(await readFile(path), whole);
  }
  await truncate(path, whole.length - 1);
  assert.deepEqual(await entriesOf(folder), []);
});

test('readLog() reports a bad line and a changed line, and reads the others', async (t) => {
  const folder = await folderOf(t);
  await write(folder, [start, record, lost]);
  const path = await onlyFile(folder);
  await appendFile(path, 'nonsense\n{"sequence":9,"previous":"","time":1,"event":{"eventName":"dance"}}\n');
  await write(folder, [lost]);
  const read = valueOf(await readLog(folder));
  assert.deepEqual(
    read.entries.map(({ entry }) => entry),
    [start, record, lost, lost],
  );
  assert.equal(read.problems.length, 2);
  assert.match(read.problems[0] ?? '', /:4: cannot read the line/);
  assert.match(read.problems[1] ?? '', /:5: .*"dance"/);

  const text = await readFile(path, 'utf8');
  await writeFile(path, text.replace('"time":13', '"time":99'));
  const changed = valueOf(await readLog(folder));
  assert.ok(changed.problems.some((problem) => problem.includes(':3: the chain is broken')));
});
