import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatMount } from './container-host.js';
import { parseReport, parseTimes } from './report.js';
import { startSupervisor } from './supervisor.js';

/** A supervisor that answers each request with the given lines; `KEY` becomes the key that it was sent. */
const scripted = (lines: readonly string[]): string =>
  `read -r word key; echo 'ready 7'; while read -r word rest; do [ "$word" = run ] || continue; ` +
  `printf '%s\\n' ${lines.map((line) => `"${line.replace('KEY', '$key')}"`).join(' ')}; done`;

const runOnce = async (lines: readonly string[]) => {
  const supervisor = await startSupervisor({
    ...{ program: 'sh', args: ['-c', scripted(lines)], environment: process.env, startSeconds: 30 },
  });
  if ('kind' in supervisor) throw new Error(supervisor.reason);
  const end = await supervisor.run({ number: 2, try: 1 });
  await supervisor.close(10);
  return end;
};
const times = ['0m0.00s 0m0.00s', '0m1.50s 0m0.25s'];

test('a supervisor reports the group, the memory and the times of a try before its end', async () => {
  assert.deepEqual(await runOnce(['began 12', 'memory 3456', ...times, 'done 2 1 3 KEY']), {
    ...{ kind: 'done', status: 3, userSeconds: 1.5, systemSeconds: 0.25, maxRssKib: 3456 },
  });
});

const forged: Readonly<Record<string, readonly string[]>> = {
  'an end without the key': [...times, 'done 2 1 0 -'],
  'an end with another key': [...times, 'done 2 1 0 abcdef'],
  'the end of another task': [...times, 'done 3 1 0 KEY'],
  'the end of another try': [...times, 'done 2 2 0 KEY'],
  'an end without times': ['done 2 1 0 KEY'],
  'a third line of times': [...times, '0m9.00s 0m0.00s', 'done 2 1 0 KEY'],
  'a second beginning': ['began 12', 'began 13'],
  'process 1 as the group': ['began 1'],
  'a second memory': ['memory 1', 'memory 2'],
  'an answer that was not asked for': ['gone'],
  'a second ready': ['ready 8'],
  'a goodbye during a task': ['bye KEY'],
  'a word that no supervisor has': ['swept'],
  'an empty line': [''],
  'a line without end': ['x'.repeat(20_000)],
};
for (const [name, lines] of Object.entries(forged)) {
  test(`M10: ${name} is out of turn`, async () => {
    const end = await runOnce(lines);
    assert.ok(end.kind === 'lost' && end.isDistrusted === true, JSON.stringify(end));
    assert.match(end.reason, /out of turn: a process that a task started may have forged it/);
  });
}

test('M10: an end that comes twice is noticed when the job ends', async () => {
  const supervisor = await startSupervisor({
    ...{ program: 'sh', environment: process.env, startSeconds: 30 },
    args: ['-c', scripted([...times, 'done 2 1 0 KEY', 'done 2 1 1 KEY'])],
  });
  if ('kind' in supervisor) throw new Error(supervisor.reason);
  assert.equal((await supervisor.run({ number: 2, try: 1 })).kind, 'done');
  assert.match((await supervisor.quit(10))?.reason ?? '', /"done 2 1 1 \w+" out of turn/);
  await supervisor.close(10);
});

test('a supervisor that exits without goodbye did not confirm its end', async () => {
  const supervisor = await startSupervisor({
    ...{ program: 'sh', environment: process.env, startSeconds: 30 },
    args: ['-c', "echo 'ready 7'; read -r word; exit 4"],
  });
  if ('kind' in supervisor) throw new Error(supervisor.reason);
  assert.deepEqual(await supervisor.quit(10), { kind: 'lost', reason: 'exit status 4' });
});

test('parseTimes() parses what the builtin of each shell prints', () => {
  assert.deepEqual(parseTimes('1m2.500000s 0m0.25s'), [62.5, 0.25]);
  assert.deepEqual(parseTimes('0m0.00s 2m0s'), [0, 120]);
  assert.deepEqual(parseTimes('0m00.25s 0m00.50s'), [0.25, 0.5], 'mksh');
  assert.deepEqual(parseTimes('0m00,168s 0m00,003s'), [0.168, 0.003], 'ksh93 in a locale with a comma');
  for (const line of ['', 'done 1 1 0', '0m1s', 'xm1s 0m1s', '0m1s 0m1s 0m1s'])
    assert.equal(parseTimes(line), undefined, line);
});

test('parseReport() rejects what no supervisor prints', () => {
  for (const line of ['ready', 'ready x', 'done 1 1 0', 'left 1 x', 'left  2', 'gone 1', ' gone', 'bye'])
    assert.equal(parseReport(line), undefined, line);
});

test('startSupervisor() returns why a program does not start', async () => {
  const lost = await startSupervisor({
    ...{ program: '/nowhere/sh', args: [], environment: {}, startSeconds: 5 },
  });
  assert.ok('kind' in lost);
  assert.match(lost.reason, /ENOENT/);
  const silent = await startSupervisor({
    ...{ program: 'sh', args: ['-c', 'echo because >&2; exit 3'], environment: {}, startSeconds: 5 },
  });
  assert.deepEqual(silent, { kind: 'lost', reason: 'because' });
});

test('formatMount() quotes any path as one CSV field', () => {
  assert.equal(formatMount('/a b:c', '/repo'), 'type=bind,source=/a b:c,target=/repo');
  assert.equal(formatMount('/a,"b"', '/repo'), 'type=bind,"source=/a,""b""",target=/repo');
});

test('startSupervisor() returns the last line that a failed engine printed, on stdout or stderr', async () => {
  const failing = async (script: string): Promise<string> => {
    const command = { program: 'sh', args: ['-c', script], environment: process.env, startSeconds: 30 };
    const started = await startSupervisor(command);
    return 'kind' in started ? started.reason : 'it started';
  };
  assert.equal(
    await failing('echo OCI runtime exec failed: no room; exit 126'),
    'OCI runtime exec failed: no room',
  );
  assert.equal(
    await failing('echo beside; echo Error: no such container >&2; exit 125'),
    'Error: no such container',
  );
  assert.equal(await failing('exit 126'), 'exit status 126');
});
