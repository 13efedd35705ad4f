import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseEvent } from '../../model/event.js';
import { parseCommitHash, parseJobName, parseRunId, type RunId } from '../../model/name.js';
import type { JobRecord } from '../../model/record.js';
import { accept, valueOf } from '../../model/result.js';
import { isOwnRun, type RunFolder } from '../../model/run.js';
import { parseRows } from '../../model/row.js';
import { assembleJob } from '../store/stored-job.js';
import type { Sender } from '../store/log-entry.js';
import { SiteState } from './site-state.js';

const full: Sender = { id: 'full', jobs: '*' };
const narrow: Sender = { id: 'narrow', jobs: 'x-*' };

/** What a sender says about a run. Every value may contradict what others say. */
interface Step {
  readonly isNarrow: boolean;
  readonly isEvent: boolean;
  readonly runId: number;
  readonly number: number;
  readonly attempt: number;
  readonly commit: number;
  readonly branch: string;
  readonly job: string;
  readonly status: number;
  readonly expected: readonly string[];
  readonly start: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  isNarrow: fc.boolean(),
  isEvent: fc.boolean(),
  runId: fc.integer({ min: 71, max: 74 }),
  number: fc.integer({ min: 1, max: 4 }),
  attempt: fc.constantFrom(1, 1, 2, 9999),
  commit: fc.integer({ min: 1, max: 3 }),
  branch: fc.constantFrom('main', 'main', 'other'),
  job: fc.constantFrom('a', 'b'),
  status: fc.constantFrom(0, 0, 1),
  expected: fc.subarray(['a', 'x-a', 'ghost']),
  start: fc.integer({ min: 0, max: 2_000_000_000 }),
});

const idOf = (text: string): RunId => valueOf(parseRunId(text));

/** Applies a step as the server does. Returns whether it was accepted. */
function apply(state: SiteState, one: Step, sequence: number): boolean {
  const sender = one.isNarrow ? narrow : full;
  const name = one.isNarrow ? `x-${one.job}` : one.job;
  const received = { time: 1000 + sequence, sequence, sender };
  const commit = String(one.commit).repeat(40);
  if (one.isEvent) {
    const fields = {
      ...{ workerHost: 'github', eventName: 'start', jobName: name, runId: String(one.runId), commit },
      ...{ runNumber: String(one.number), attempt: String(one.attempt), branch: one.branch },
      ...(one.expected.length > 0 && { expectedJobs: one.expected.join(',') }),
    };
    state.addEvent(valueOf(parseEvent(Object.entries(fields))), received);
    return true;
  }
  const job = valueOf(parseJobName(name));
  const destination = {
    host: 'github',
    number: idOf(String(one.number)),
    runId: idOf(String(one.runId)),
    job,
  } as const;
  const folder = state.resolveFolder(destination, one.attempt, sender);
  if (!folder.ok) return false;
  const record: JobRecord = {
    ...{ schema: 0, attempt: one.attempt, tasks: [], branch: one.branch, commitLine: `by ${sender.id}` },
    ...{ commit: valueOf(parseCommitHash(commit)), runId: destination.runId, startTime: one.start },
    expectedJobs: one.expected.map((text) => valueOf(parseJobName(text))),
  };
  const address = { ...folder.value, job };
  if (state.recordedJob(address) !== undefined) return false;
  if (!state.checkIdentity(folder.value, record).ok) return false;
  const rows = valueOf(parseRows(`${one.status}\t1\ttask\ta\tb\t-\n`));
  state.addJob(assembleJob(address, accept(record), accept(rows)), received);
  return true;
}

/** Describes what others see: their runs without the jobs of the narrow token, and every branch. */
function describe(state: SiteState): string {
  const folders = state
    .groups('github')
    .flat()
    .flatMap(({ folder, run }): readonly RunFolder[] => (isOwnRun(run) ? [] : [folder]));
  const runs = folders.map((folder) => {
    const run = state.run(folder);
    const jobs = run?.jobs.filter(({ address }) => !address.job.startsWith('x-'));
    return [
      folder.name,
      run?.commit,
      run?.branch,
      run?.commitLine,
      jobs?.map((job) => [job.address.job, job.outcome]),
    ];
  });
  const branches = [...state.branches()].map((branch) => [
    branch,
    state
      .branchCommits(branch, 10)
      .map(({ commit, runs: of }) => [commit, of.map(({ folder }) => folder.name)]),
    state.history(valueOf(parseJobName('a')), 10, branch).map(({ run }) => run.folder.name),
  ]);
  return JSON.stringify([runs, branches.sort()], null, 1);
}

test('what a narrow token sends never changes what others see of the runs of a full token', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
      const [withNarrow, without] = [new SiteState('Soil'), new SiteState('Soil')];
      for (const [index, one] of steps.entries()) {
        const isAccepted = apply(withNarrow, one, index + 1);
        // A step of the full token has the same answer, whatever the narrow token sent before.
        if (!one.isNarrow) assert.equal(apply(without, one, index + 1), isAccepted, JSON.stringify(one));
      }
      assert.equal(describe(withNarrow), describe(without));
    }),
    { numRuns: 500 },
  );
});

test('the newest run is the one whose first record or event arrived last', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
      const state = new SiteState('Soil');
      for (const [index, one] of steps.entries()) apply(state, one, index + 1);
      const arrivals = state.groups('github').map(([newest]) => newest.arrival);
      assert.deepEqual(
        arrivals,
        [...arrivals].sort((a, b) => b - a),
      );
      assert.equal(new Set(arrivals).size, arrivals.length);
    }),
  );
});
