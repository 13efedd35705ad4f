/** A site with everything that pages must be able to show, as plain state. */
import {
  parseCommitHash,
  parseRunId,
  workerHosts,
  type CommitHash,
  type JobName,
  type WorkerHost,
} from '../model/name.js';
import { valueOf } from '../model/result.js';
import type { Row } from '../model/row.js';
import { splitFolder, type JobAddress, type RunFolder } from '../model/run.js';
import { groupRuns } from '../server/state/run-list.js';
import { isPullRequest, type SiteView } from '../server/state/site-view.js';
import type { RunDetails } from '../server/pages/views/run-page.js';
import {
  absent,
  badJob,
  github,
  job,
  machine,
  mainCommit,
  noon,
  pulling,
  running,
  runOf,
  sourcehut,
  task,
  type SampleJob,
  type SampleRun,
} from './sample-job.js';
import type { JobDetails } from '../server/store/stored-job.js';

const commitOf = (text: string): CommitHash => valueOf(parseCommitHash(text));

export const hostileCommit = commitOf('badbadbad0123456789abcdef0123456789abcde');
const srhtCommit = commitOf('5eed5eed00112233445566778899aabbccddeeff');
const otherSrhtCommit = commitOf('c0ffee0011223344556677889900aabbccddeeff');

export const hostileSubject =
  '<script>alert("subject")</script> \u202egnp.exe שלום עולם — naïve Größe 日本語';
export const hostileBranch = '"><img src=x onerror=alert(1)>';
const hostileHead = "fork:'`=${7*7}&lt;b>";

export interface SampleOptions {
  /** number of simple older runs, for paging */
  readonly fillerRuns?: number;
}

/** Plain state, and the files of its jobs. */
export interface SampleSite extends SiteView {
  readonly jobs: readonly SampleJob[];
  details(folder: RunFolder): RunDetails;
  detailsOf(address: JobAddress): JobDetails;
}

export function sampleSite({ fillerRuns = 0 }: SampleOptions = {}): SampleSite {
  const runs = [...githubRuns(), ...sourcehutRuns(), ...localRuns(), ...filler(fillerRuns)];
  return siteOf('Oils', runs);
}

/** Makes a site of these runs only. */
export function siteOf(title: string, runs: readonly SampleRun[]): SampleSite {
  const groups = new Map(
    workerHosts.map((host) => [host, groupRuns(runs.filter((run) => run.folder.host === host))]),
  );
  const ofHost = (host: WorkerHost) => (groups.get(host) ?? []).flat();
  const find = (folder: RunFolder): SampleRun | undefined =>
    runs.find((run) => run.folder.host === folder.host && run.folder.name === folder.name);
  return {
    title,
    jobs: runs.flatMap((run) => run.jobs),
    groups: (host) => groups.get(host) ?? [],
    running: (host) => ofHost(host).filter((run) => run.jobs.some((job) => job.outcome === 'running')),
    run: find,
    details: (folder) =>
      new Map((find(folder)?.jobs ?? []).map((job): [JobName, JobDetails] => [job.address.job, job])),
    detailsOf: (address) =>
      find(address)?.jobs.find(({ address: { job } }) => job === address.job) ?? { rows: [], problems: [] },
    attempts: (folder) => {
      const { run } = splitFolder(folder);
      return ofHost(folder.host).filter((r) => r.run === run);
    },
    branchCommits: (branch, count) => {
      const commits = new Map<CommitHash, [SampleRun, ...SampleRun[]]>();
      for (const run of runs.filter((r) => r.branch === branch && !isPullRequest(r))) {
        if (run.commit === undefined) continue;
        const known = commits.get(run.commit);
        if (known === undefined) commits.set(run.commit, [run]);
        else known.push(run);
      }
      return [...commits]
        .map(([commit, [first, ...more]]) => ({
          ...{ commit, runs: [first, ...more] as const },
          time: Math.min(...[first, ...more].map(({ startTime }) => startTime ?? 0)),
        }))
        .sort((a, b) => b.time - a.time)
        .slice(0, count);
    },
    history: (name, count, branch) =>
      runs
        .filter((run) => branch === undefined || run.branch === branch)
        .flatMap((run) =>
          run.jobs
            .filter(({ address, summary }) => address.job === name && summary !== undefined)
            .map((job) => ({ run, job })),
        )
        .sort((a, b) => (b.job.summary?.startTime ?? 0) - (a.job.summary?.startTime ?? 0))
        .slice(0, count),
    jobsOfCommit: (commit) =>
      workerHosts.flatMap((host) =>
        ofHost(host)
          .filter((run) => run.commit === commit)
          .flatMap((run) => run.jobs),
      ),
    artifacts: (host, commit) =>
      host === 'github' && commit === mainCommit
        ? ['doc/index.html', 'oils-for-unix.tar', 'oils-for-unix.tar.gz', 'read me & <more>.txt']
        : [],
  };
}

function githubRuns(): readonly SampleRun[] {
  const common = {
    commit: mainCommit,
    commitLine: '[translation] Let mycpp translate the whole of the word evaluator',
    commitDate: '2026-01-13 06:58:12 -0500',
    branch: 'soil-staging',
    repository: 'oils-for-unix/oils',
    jobUrl: 'https://ci.example/oils-for-unix/oils/actions/runs/98765',
    workflow: 'all-builds',
    event: 'push',
  };
  const second = github('1234', 2, [
    job(
      'cpp-small',
      [task('passed', 'os-info', 0.04), task('passed', 'build', 61.2), task('passed', 'spec', 180)],
      {
        ...common,
        startTime: noon + 3600,
        deployTime: noon + 3845,
        imagePullSeconds: 12.4,
      },
    ),
    running('dev-minimal', noon + 3620, 3),
    pulling('cpp-tarball', noon + 3640),
    absent('raw-vm', 'expected'),
    absent('wild', 'lost'),
    job('app-tests', [task('flaky', 'ble-issues', 44.1, { tries: 2 }), task('passed', 'units', 9.94)], {
      ...common,
      startTime: noon + 3601,
      deployTime: noon + 3660,
    }),
  ]);
  const first = github('1234', 1, [
    job('app-tests', [task('passed', 'ble-issues', 31), task('passed', 'units', 10.1)], {
      ...common,
      startTime: noon,
      deployTime: noon + 42,
      imagePullSeconds: 3.1,
    }),
    job(
      'cpp-small',
      [
        task('passed', 'os-info', 0.04),
        task('failed', 'spec', 183.4, {
          status: 3,
          action: 'run-for-soil --with-a-long-argument=_tmp/spec/cpp/all',
        }),
        task('timed-out', 'gc stress', 900, { status: 124, resultHtml: '_test/gc/' }),
        task('failed', 'benchmark', 12, { status: 1, allowed: true }),
        task('skipped', 'upload', undefined, { status: 0 }),
        task('passed', 'unit', 61.3, {
          resultHtml: '_test/cpp unit/index.html',
          userSeconds: 58.1,
          maxRssKib: 48_200,
        }),
      ],
      { ...common, ...machine, startTime: noon, deployTime: noon + 1170, imagePullSeconds: 74.2 },
    ),
    job(
      'cpp-tarball',
      [task('passed', 'build-static', 100), task('cancelled', 'test-tar', 4.2, { status: 130 })],
      {
        ...common,
        startTime: noon + 3,
        deployTime: noon + 108,
        reason: 'cancelled: the worker was interrupted by SIGTERM',
      },
    ),
    job('dev-minimal', [], {
      ...common,
      startTime: noon + 2,
      deployTime: noon + 3,
      outcome: 'error',
      reason: 'cannot pull image "registry.example/soil-dev-minimal:v-2026-01-13": manifest unknown',
    }),
    job('ovm-tarball', [], { ...common, startTime: noon + 2, deployTime: noon + 2.5, outcome: 'empty' }),
    badJob(common),
    ...[
      'dev-setup-debian',
      'dev-setup-fedora',
      'interactive',
      'mycpp-benchmarks',
      'other-tests',
      'pea',
      'tools',
    ].map((name, i) =>
      job(name, [task('passed', 'all', 20 + i * 31.7)], {
        ...common,
        startTime: noon + i,
        deployTime: noon + 25 + i * 33,
      }),
    ),
  ]);
  const hostile = github('1233', 1, [
    job(
      'dev-minimal',
      [
        task('failed', '<b>task & "quote"', 1.25, {
          status: 1,
          script: '<img src=x>',
          action: '`rm -rf` \u202e',
        }),
        task('passed', 'größe-日本', 3599.96, { resultHtml: 'a b/<i>.html' }),
      ],
      {
        commit: hostileCommit,
        commitLine: hostileSubject,
        branch: hostileBranch,
        pullRequest: { number: '2713', headRef: hostileHead },
        jobUrl: 'javascript:alert(document.domain)',
        repository: '"><svg onload=alert(1)>',
        startTime: noon - 7200,
        deployTime: noon - 3590,
      },
    ),
  ]);
  const pull = github('1232', 1, [
    job('dev-minimal', [task('passed', 'unit', 12)], {
      ...common,
      commit: commitOf('77aa77aa00112233445566778899aabbccddeeff'),
      commitLine: 'Fix a typo in the manual',
      branch: 'typo',
      event: 'pull_request',
      pullRequest: { number: '2710', headRef: 'typo' },
      startTime: noon - 9000,
      deployTime: noon - 8970,
    }),
  ]);
  return [second, first, hostile, pull];
}

/** Jobs of two commits with interleaved ids and equal dates, one of which Soil's shell server lost. */
function sourcehutRuns(): readonly SampleRun[] {
  const a = {
    commit: srhtCommit,
    commitLine: 'Describe the tea tree',
    commitDate: '2026-01-12 10:00:00 +0000',
  };
  const b = { commit: otherSrhtCommit, commitLine: 'Describe the coffee tree', commitDate: a.commitDate };
  const rows = [task('passed', 'unit', 4), task('passed', 'lint', 2.5)];
  const at = noon - 86_400;
  const url = (id: string) => ({ jobUrl: `https://builds.example/~andy/job/${id}`, branch: 'main' });
  return [
    sourcehut('1347', 'dev-minimal', rows, { ...b, ...url('1347'), startTime: at + 9, deployTime: at + 30 }),
    sourcehut('1346', 'dev-minimal', rows, { ...a, ...url('1346'), startTime: at + 8, deployTime: at + 31 }),
    sourcehut('1345', 'other-tests', [task('failed', 'wild', 7, { status: 2 })], {
      ...b,
      ...url('1345'),
      startTime: at + 4,
      deployTime: at + 15,
    }),
    sourcehut('1344', 'other-tests', rows, { ...a, ...url('1344'), startTime: at, deployTime: at + 12 }),
    // Like a record of Soil's shell worker: no schema, no outcome.
    sourcehut('998', 'dev-minimal', rows, {
      ...url('998'),
      schema: 0,
      commit: mainCommit,
      startTime: at - 9e5,
    }),
  ];
}

function localRuns(): readonly SampleRun[] {
  const folder = { host: 'local' as const, name: valueOf(parseRunId('nightlyonlaptop20260113T115900Z')) };
  const only = job('checks', [task('passed', 'types', 3.3), task('passed', 'tests', 8.8, { tries: 1 })], {
    ...machine,
    host: 'local',
    commit: mainCommit,
    commitLine: 'A run on a laptop',
    startTime: noon - 60,
    deployTime: noon - 47,
  });
  return [runOf(folder, [{ ...only, address: { ...folder, job: only.address.job } }])];
}

function filler(count: number): readonly SampleRun[] {
  return Array.from({ length: count }, (_, i) => {
    const number = String(1200 - i);
    return github(number, 1, [
      job(
        'dev-minimal',
        [task(i % 7 === 3 ? 'failed' : 'passed', 'unit', 10 + i, { status: i % 7 === 3 ? 1 : 0 })],
        {
          commit: commitOf(`${String(i).padStart(8, '0')}00112233445566778899aabbccddeeff`),
          commitLine: `Change number ${number}`,
          branch: 'main',
          startTime: noon - 86_400 - i * 5000,
          deployTime: noon - 86_400 - i * 5000 + 15 + i,
        },
      ),
    ]);
  });
}

export function sampleRows(): readonly Row[] {
  const details = sampleSite().details({ host: 'github', name: valueOf(parseRunId('1234')) });
  return [...details].find(([job]) => job === 'cpp-small')?.[1].rows ?? [];
}
