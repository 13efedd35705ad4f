import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { parseEvent } from '../../model/event.js';
import { parseCommitHash, parseJobName, parseRunId, type WorkerHost } from '../../model/name.js';
import { branchKey } from '../../model/path.js';
import type { JobRecord } from '../../model/record.js';
import { accept, valueOf } from '../../model/result.js';
import { parseRows } from '../../model/row.js';
import type { JobAddress } from '../../model/run.js';
import { assembleJob, type StoredJob } from '../store/stored-job.js';
import { addressKey } from '../store/log-entry.js';
import { planAll } from './page-plan.js';
import type { PageChanges } from '../state/page-changes.js';
import { SiteState } from '../state/site-state.js';
import { PendingUploads } from './pending-uploads.js';
import { PageWriter } from './page-writer.js';
import type { JobDetails } from '../store/stored-job.js';

let root: string;
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'soil-addresses-'));
});
after(async () => {
  await rm(root, { recursive: true, force: true });
});

const commitOf = (digit: string) => valueOf(parseCommitHash(digit.repeat(40)));

interface JobOptions {
  readonly job?: string;
  readonly status?: number;
  readonly more?: Partial<JobRecord>;
}

function storedJob(
  host: WorkerHost,
  folder: string,
  { job = 'unit', status = 0, more = {} }: JobOptions,
): StoredJob {
  const address = { host, name: valueOf(parseRunId(folder)), job: valueOf(parseJobName(job)) };
  const rows = valueOf(parseRows(`${status}\t3\ttask\ta\tb\t-\n0\t2\tother\ta\tb\t-\n`));
  const record: JobRecord = { schema: 0, attempt: 1, tasks: [], expectedJobs: [], ...more };
  return { ...assembleJob(address, accept(record), accept(rows)), wwzBytes: 100 };
}

type Step = (state: SiteState) => PageChanges;

const uploads = new Map<string, JobDetails>();
const details = (address: JobAddress): JobDetails =>
  uploads.get(addressKey(address)) ?? { rows: [], problems: [] };

function upload(host: WorkerHost, folder: string, options: JobOptions): Step {
  const job = storedJob(host, folder, options);
  uploads.set(addressKey(job.address), job);
  return (state) => state.addJob(job);
}

const receive =
  (fields: Readonly<Record<string, string>>, time: number): Step =>
  (state) =>
    state.addEvent(
      valueOf(parseEvent(Object.entries({ workerHost: 'github', jobName: 'unit', ...fields }))),
      { time, sequence: 0 },
    );

/** Everything that moves an address: branches that differ, pull requests, attempts, hosts, flaky tasks, lost jobs. */
function steps(): readonly Step[] {
  const runId = (id: string) => valueOf(parseRunId(id));
  const at = (branch: string, startTime: number, digit: string): Partial<JobRecord> => ({
    ...{ branch, startTime, commit: commitOf(digit), commitLine: `Change ${digit}` },
  });
  const github = (id: string, more: Partial<JobRecord>) => ({ more: { runId: runId(id), ...more } });
  const pull = { pullRequest: { number: '7' } };
  return [
    upload('github', '5', { status: 1, ...github('50', at('main', 100, 'a')) }),
    upload('github', '5', { job: 'lint', ...github('50', at('main', 101, 'a')) }),
    upload('github', '5-2', github('50', { ...at('main', 900, 'a'), attempt: 2 })),
    upload('github', '6', { status: 2, ...github('60', at('main', 200, 'b')) }),
    upload('github', '6', { job: 'lint', ...github('60', at('main', 150, 'b')) }),
    upload('github', '7', github('70', at('main', 300, 'c'))),
    upload('github', '8', { status: 3, ...github('80', { ...at('main', 400, 'd'), ...pull }) }),
    upload('github', '9', github('90', at('a/b', 500, 'e'))),
    upload('sourcehut', '31', { status: 1, more: at('main', 310, 'c') }),
    upload('sourcehut', '32', { job: 'lint', more: at('master', 320, 'c') }),
    upload('local', 'laptop', { more: at('main', 50, 'f') }),
    upload('local', 'nowhere', {}),
    // The events of this run name another branch than its record.
    receive({ eventName: 'start', runId: '90', runNumber: '9', branch: 'elsewhere' }, 480),
    receive(
      {
        ...{ eventName: 'start', runId: '99', runNumber: '10', branch: 'main', commit: '9'.repeat(40) },
        expectedJobs: 'unit,lint',
      },
      600,
    ),
    receive({ eventName: 'task-done', runId: '99', task: 'task' }, 610),
    receive({ eventName: 'done', runId: '99', status: '0', jobName: 'lint' }, 620),
  ];
}

function stateOf(done: readonly Step[]): SiteState {
  const state = new SiteState('Soil');
  state.load(() => {
    for (const step of done) step(state);
  });
  return state;
}

function renderAll(state: SiteState): ReadonlyMap<string, string> {
  const pages = [...planAll({ state, details })].flatMap(({ path, render }): [string, string][] => {
    const bytes = render();
    return bytes === undefined ? [] : [[path, bytes.toString()]];
  });
  return new Map(pages.sort());
}

async function readAll(folder: string): Promise<ReadonlyMap<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const read = files.map(async (path): Promise<[string, string]> => {
    return [path.slice(folder.length + 1), await readFile(path, 'utf8')];
  });
  return new Map((await Promise.all(read)).sort());
}

const isAddress = (path: string): boolean => /^(branches|history)\//.test(path);

test('after each change, in any order, the site has exactly the files of its records and events', async () => {
  const all = steps();
  const orders = fc.sample(fc.shuffledSubarray([...all], { minLength: all.length }), 8);
  // Concurrently, since each step waits for the pause before stable URLs are written.
  await Promise.all(
    orders.map(async (order, number) => {
      const folder = join(root, `order-${number}`);
      const names = order.map((step) => all.indexOf(step)).join(' ');
      const state = new SiteState('Soil');
      const writer = new PageWriter(folder, { state, details, uploads: new PendingUploads() });
      await writer.writeAll();
      for (const [index, step] of order.entries()) {
        await writer.schedule(step(state));
        await writer.idle();
        const expected = renderAll(stateOf(order.slice(0, index + 1)));
        assert.deepEqual(await readAll(folder), expected, `after step ${index + 1} of ${names}`);
      }
      const paths = [...(await readAll(folder)).keys()].filter(isAddress);
      for (const path of ['branches/a~2fb/jobs/unit.svg', 'branches/main/latest-green.json']) {
        assert.ok(paths.includes(path), `${path} in order ${names}`);
      }
      assert.ok(!paths.some((path) => path.includes('elsewhere')), names);
    }),
  );
});

test('branches whose names have the same UTF-8 do not share a file', () => {
  assert.notEqual(branchKey('\ud800'), branchKey('\ufffd'));
  assert.notEqual(branchKey('\ud800'), branchKey('\udc00'));
  assert.notEqual(branchKey('a/b'), branchKey('a~2fb'));
});

test('addEvent() changes no history of a finished job that it does not concern', () => {
  const state = stateOf(steps());
  const change = steps().at(-2)?.(state);
  assert.deepEqual(change?.jobs, []);
  const start = receive(
    { eventName: 'start', runId: '99', jobName: 'docs', commit: '9'.repeat(40) },
    630,
  )(state);
  assert.deepEqual(start.jobs, []);
  assert.deepEqual(start.branches, ['main']);
  const end = upload('github', '10', { job: 'docs', more: { runId: valueOf(parseRunId('99')) } })(state);
  assert.deepEqual(end.jobs, ['docs']);
});

test('changesOf() lists branches that only events name, since their files may exist', () => {
  const state = stateOf(steps());
  const change = state.changesOf([{ host: 'github', name: valueOf(parseRunId('9')) }]);
  assert.deepEqual([...change.branches].sort(), ['a/b', 'elsewhere']);
});
