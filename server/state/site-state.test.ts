import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseEvent, type JobEvent } from '../../model/event.js';
import { parseCommitHash, parseJobName, parseRunId, type WorkerHost } from '../../model/name.js';
import type { JobRecord } from '../../model/record.js';
import { accept, valueOf } from '../../model/result.js';
import { parseRows } from '../../model/row.js';
import { assembleJob, type StoredJob } from '../store/stored-job.js';
import { RunFolders } from './run-folders.js';
import type { Received } from './event-router.js';
import { SiteState } from './site-state.js';
import { renderCommit } from '../pages/views/commit-page.js';
import { renderHome } from '../pages/views/home-page.js';
import { renderHostIndex } from '../pages/views/host-index-page.js';
import { renderRawIndex } from '../pages/views/raw-index-page.js';
import { renderRun, type RunDetails } from '../pages/views/run-page.js';

const commits = ['a'.repeat(40), 'b'.repeat(40)].map((text) => valueOf(parseCommitHash(text)));
const idOf = (text: string) => valueOf(parseRunId(text));

const runsOf = (state: SiteState, host: WorkerHost) => state.groups(host).flat();

function storedJob(
  host: WorkerHost,
  folder: string,
  { job = 'unit', status = 0, more = {} }: { job?: string; status?: number; more?: Partial<JobRecord> } = {},
): StoredJob {
  const address = { host, name: idOf(folder), job: valueOf(parseJobName(job)) };
  const rows = valueOf(parseRows(`${status}\t1\ttask\ta\tb\t-\n`));
  const record: JobRecord = { schema: 0, attempt: 1, tasks: [], expectedJobs: [], ...more };
  return { ...assembleJob(address, accept(record), accept(rows)), wwzBytes: 100 };
}

/** A time at which something was received; the line of the log does not matter here. */
const at = (time: number): Received => ({ time, sequence: 0 });

const eventOf = (fields: Readonly<Record<string, string>>): JobEvent =>
  valueOf(parseEvent(Object.entries({ workerHost: 'github', jobName: 'unit', runId: '77', ...fields })));

test('findStaleJobs() ignores runs with a new record, even if the clock of its worker is wrong', () => {
  for (const startTime of [undefined, 0, 253_402_300_799]) {
    const state = new SiteState('Soil');
    const expectedJobs = [valueOf(parseJobName('lint'))];
    const more = { expectedJobs, ...(startTime !== undefined && { startTime }) };
    state.addJob(storedJob('github', '5', { more }), at(1000));
    assert.deepEqual(state.findStaleJobs(60, 1059), [], String(startTime));
    assert.equal(state.findStaleJobs(60, 1060).length, 1, String(startTime));
    // After a restart only the time in the record is known.
    const later = new SiteState('Soil');
    later.addJob(storedJob('github', '5', { more }));
    assert.equal(later.findStaleJobs(60, 1060).length, 1, String(startTime));
  }
});

test('runs are ordered by their number, then by attempt', () => {
  const state = new SiteState('Soil');
  for (const name of ['998', '1000', '1000-2', '99', '1000-10', '1001'])
    state.addJob(storedJob('github', name));
  assert.deepEqual(
    runsOf(state, 'github').map((run) => run.folder.name),
    ['1001', '1000-10', '1000-2', '1000', '998', '99'],
  );
});

test('jobsOfCommit() lists all sourcehut jobs of two commits with interleaved ids', () => {
  const state = new SiteState('Soil');
  for (const id of ['10', '9', '12', '11']) {
    const commit = commits[Number(id) % 2];
    state.addJob(storedJob('sourcehut', id, { more: { ...(commit && { commit }), commitDate: 'the same' } }));
  }
  assert.equal(runsOf(state, 'sourcehut').length, 4);
  for (const [index, ids] of [
    [0, ['12', '10']],
    [1, ['11', '9']],
  ] as const) {
    const commit = commits[index];
    assert.ok(commit !== undefined);
    assert.deepEqual(
      state.jobsOfCommit(commit).map((job) => job.address.name),
      ids,
    );
  }
});

test('resolve() returns a separate folder for every attempt of a run whose number is taken', () => {
  const runFolders = new RunFolders();
  const plan = (number: string, runId: string, attempt: number) => {
    const planned = runFolders.resolve(idOf(number), idOf(runId), attempt);
    if (planned.ok) runFolders.confirm(planned.value.base, idOf(runId));
    return planned.ok ? planned.value.folder.name : planned.error;
  };
  assert.equal(plan('1234', '98765', 1), '1234');
  assert.equal(plan('1234', '55555', 1), '1234-id55555');
  assert.equal(plan('1234', '55555', 2), '1234-id55555-2');
  assert.equal(plan('1234', '98765', 3), '1234-3');
  assert.match(plan('4321', '98765', 1), /run id "98765" already has folder "1234"/);
  assert.match(plan('1234', '5-2', 1), /GITHUB_RUN_ID "5-2"/);
});

test('resolveFolder() accepts records of a run after an event with a wrong number', () => {
  const state = new SiteState('Soil');
  state.addEvent(eventOf({ eventName: 'start', runNumber: '1', jobName: 'other' }), at(10));
  const resolve = (number: string, attempt: number) =>
    state.resolveFolder(
      { host: 'github', number: idOf(number), runId: idOf('77'), job: valueOf(parseJobName('unit')) },
      attempt,
    );
  assert.equal(valueOf(resolve('9', 2)).name, '1-2');
  state.addJob(storedJob('github', '1', { more: { runId: idOf('77') } }));
  const refused = resolve('10', 1);
  assert.ok(!refused.ok);
  assert.match(refused.error, /run id "77" already has folder "1"/);
});

test('runs of two workflows are ordered by GITHUB_RUN_ID', () => {
  const state = new SiteState('Soil');
  const ids: [string, string | undefined][] = [
    ['5', '900'],
    ['4000', '700'],
    ['6', '1000'],
    ['9000', undefined],
  ];
  for (const [folder, id] of ids)
    state.addJob(storedJob('github', folder, { more: id === undefined ? {} : { runId: idOf(id) } }));
  assert.deepEqual(
    runsOf(state, 'github').map((run) => run.folder.name),
    ['6', '5', '4000', '9000'],
  );
  const change = state.addJob(storedJob('github', '9000', { job: 'lint', more: { runId: idOf('950') } }));
  assert.deepEqual(change.reordered, ['github']);
  assert.deepEqual(
    runsOf(state, 'github').map((run) => run.folder.name),
    ['6', '9000', '5', '4000'],
  );
});

test('a task that failed and then passed on the same commit is flaky, in any order of upload', () => {
  const [commit] = commits;
  const more = { ...(commit && { commit }) };
  const orders: [string, string][] = [
    ['5', '6'],
    ['5', '5-2'],
  ];
  for (const [first, second] of orders) {
    for (const isReversed of [false, true]) {
      const state = new SiteState('Soil');
      const jobs = [storedJob('github', first, { status: 3, more }), storedJob('github', second, { more })];
      const [, last] = (isReversed ? jobs.reverse() : jobs).map((job) => state.addJob(job));
      const later = state.run({ host: 'github', name: idOf(second) });
      assert.equal(later?.outcome, 'flaky');
      assert.deepEqual(later.jobs[0]?.flakyTasks, ['task']);
      assert.deepEqual(later.jobs[0].summary?.counts, { flaky: 1 });
      assert.equal(state.run({ host: 'github', name: idOf(first) })?.outcome, 'failed');
      assert.ok(last?.folders.some(({ name }) => name === second));
    }
  }
  const other = new SiteState('Soil');
  other.addJob(storedJob('github', '5', { status: 3, more: { ...(commits[1] && { commit: commits[1] }) } }));
  other.addJob(storedJob('github', '6', { more }));
  assert.equal(other.run({ host: 'github', name: idOf('6') })?.outcome, 'passed');
});

test('a job is expected, then running, then lost after "done" without a record, then as its record says', () => {
  const state = new SiteState('Soil');
  const outcomes = () => runsOf(state, 'github')[0]?.jobs.map((job) => `${job.address.job} ${job.outcome}`);
  state.addEvent(eventOf({ eventName: 'start', runNumber: '5', expectedJobs: 'unit,lint' }), at(10));
  assert.deepEqual(outcomes(), ['lint expected', 'unit running']);
  state.addEvent(eventOf({ eventName: 'done', status: '0' }), at(20));
  assert.deepEqual(outcomes(), ['lint expected', 'unit lost']);
  state.addJob(storedJob('github', '5', { status: 3, more: { runId: idOf('77') } }));
  assert.deepEqual(outcomes(), ['lint expected', 'unit failed']);
});

test('markLost() makes a job lost until its next event, in any order', () => {
  const events: [string, number][] = [
    ['start', 10],
    ['task-done', 20],
    ['heartbeat', 500],
  ];
  const unit = { host: 'github' as const, name: idOf('5'), job: valueOf(parseJobName('unit')) };
  const lint = { ...unit, job: valueOf(parseJobName('lint')) };
  const outcomes = (state: SiteState) => runsOf(state, 'github')[0]?.jobs.map((job) => job.outcome);
  const add = (state: SiteState, [eventName, time]: [string, number]) =>
    state.addEvent(eventOf({ eventName, runNumber: '5', task: 'a', expectedJobs: 'unit,lint' }), at(time));
  const state = new SiteState('Soil');
  for (const event of events.slice(0, 2)) add(state, event);
  assert.deepEqual(state.findStaleJobs(0, 19), []);
  assert.deepEqual(state.findStaleJobs(0, 20), [lint, unit]);
  for (const address of [lint, unit]) state.markLost(address, 400);
  assert.deepEqual(outcomes(state), ['lost', 'lost']);
  assert.deepEqual(state.findStaleJobs(0, 1000), []);
  for (const event of events.slice(2)) add(state, event);
  assert.deepEqual(outcomes(state), ['lost', 'running']);
  state.addJob(storedJob('github', '5', { job: 'lint', more: { runId: idOf('77') } }));
  assert.deepEqual(outcomes(state), ['passed', 'running']);

  const reversed = new SiteState('Soil');
  reversed.load(() => {
    for (const address of [unit, lint]) reversed.markLost(address, 400);
    reversed.addJob(storedJob('github', '5', { job: 'lint', more: { runId: idOf('77') } }));
    for (const event of [...events].reverse()) add(reversed, event);
  });
  assert.deepEqual(outcomes(reversed), ['passed', 'running']);
});

test('a re-run of the failed jobs does not expect jobs that an earlier attempt has', () => {
  const state = new SiteState('Soil');
  const expectedJobs = ['unit', 'lint'].map((name) => valueOf(parseJobName(name)));
  state.addJob(storedJob('github', '5-2', { more: { attempt: 2, expectedJobs } }));
  assert.deepEqual(
    runsOf(state, 'github')[0]?.jobs.map((job) => job.outcome),
    ['expected', 'passed'],
  );
  const change = state.addJob(storedJob('github', '5', { job: 'lint' }));
  assert.deepEqual(
    state.run({ host: 'github', name: idOf('5-2') })?.jobs.map((job) => job.outcome),
    ['passed'],
  );
  assert.deepEqual(change.folders.map((f) => f.name).sort(), ['5', '5-2']);
});

/** The pages here need no details of jobs. */
const noDetails: RunDetails = new Map();

/** All pages of a state, in one text. */
function pagesOf(state: SiteState): string {
  const hosts = ['github', 'sourcehut'] as const;
  return [
    String(renderHome(state)),
    ...hosts.flatMap((host) => [
      String(renderHostIndex(state, host, 1)),
      String(renderRawIndex(state, host, 1)),
    ]),
    ...hosts.flatMap((host) =>
      runsOf(state, host).map((run) => String(renderRun(state, run.folder, noDetails))),
    ),
    ...[...state.commits()].sort().map((commit) => String(renderCommit(state, 'github', commit))),
  ].join('\n');
}

test('records and events give the same pages in any order, together or one by one', () => {
  const steps: ((state: SiteState) => void)[] = [];
  for (const [index, folder] of ['5', '5-2', '6', '7'].entries()) {
    const commit = commits[index % 2];
    const more = { ...(commit && { commit }), runId: idOf(folder.replace(/-.*/, '0')), branch: 'main' };
    for (const job of ['unit', 'lint']) {
      steps.push((state) => state.addJob(storedJob('github', folder, { job, status: index % 3, more })));
    }
  }
  steps.push((state) => state.addJob(storedJob('sourcehut', '5', { more: {} })));
  const running = { runNumber: '9', runId: '90' };
  steps.push((state) => state.addEvent(eventOf({ ...running, eventName: 'start' }), at(10)));
  for (const task of ['a', 'b', 'b']) {
    steps.push((state) => state.addEvent(eventOf({ runId: '90', eventName: 'task-done', task }), at(20)));
  }
  const apply = (order: readonly ((state: SiteState) => void)[]): SiteState => {
    const state = new SiteState('Soil');
    for (const step of order) step(state);
    return state;
  };
  const expected = pagesOf(apply(steps));
  const loaded = new SiteState('Soil');
  loaded.load(() => {
    for (const step of steps) step(loaded);
  });
  assert.equal(pagesOf(loaded), expected);
  fc.assert(
    fc.property(fc.shuffledSubarray(steps, { minLength: steps.length }), (order) => {
      assert.equal(pagesOf(apply(order)), expected);
    }),
    { numRuns: 60 },
  );
});
