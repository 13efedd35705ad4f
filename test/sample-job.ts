/** Makes tasks, jobs and runs as plain state, for the sample site and the tests of pages. */
import { parseCommitHash, parseJobName, parseRunId, parseTaskName, type WorkerHost } from '../model/name.js';
import { foldJobs, foldTasks, type JobOutcome, type TaskOutcome } from '../model/outcome.js';
import { withoutUndefined, type JobRecord } from '../model/record.js';
import { valueOf } from '../model/result.js';
import { parseRows, type Row, type TaskRow } from '../model/row.js';
import { folderName, splitFolder, type RunFolder } from '../model/run.js';
import { createInterner, summarize } from '../server/state/job-summary.js';
import type { Job, Run } from '../server/state/site-view.js';
import type { JobDetails } from '../server/store/stored-job.js';

/** Noon of 2026-01-13, in seconds. */
export const noon = Date.UTC(2026, 0, 13, 12, 0, 0) / 1000;
export const mainCommit = valueOf(parseCommitHash('09ab09ab3f6e1c52d8a4b7e90c1d2e3f40516273'));

export const machine: Partial<JobRecord> = {
  image: {
    name: 'registry.example/oils/soil-cpp-small:v-2026-01-13',
    engine: 'podman',
    digest: 'sha256:6c3c624b58dbbcd3c0dd82b4c53f04194d1247c6eebdaab7c610cf7d66709b3b',
    bytes: 412_000_000,
    layers: [
      { bytes: 77_800_000, command: '/bin/sh -c #(nop) ADD file:2b1f1a in / ' },
      { bytes: 0, command: '/bin/sh -c #(nop)  CMD ["bash"]' },
      {
        bytes: 301_000_000,
        command: 'RUN /bin/sh -c apt-get update && apt-get install -y g++ <&1 # buildkit',
      },
      { bytes: 33_200_000, command: 'COPY deps /home/uke/oils/deps # buildkit' },
    ],
  },
  machine: {
    name: 'runner-7',
    system: 'Linux 6.8',
    architecture: 'x86_64',
    cpus: 4,
    memoryBytes: 16_800_000_000,
  },
  workerVersion: '0.1.0',
};

export const sampleRecord: JobRecord = {
  schema: 1,
  host: 'github',
  job: valueOf(parseJobName('cpp-small')),
  commit: mainCommit,
  commitLine: '[translation] Let mycpp translate the whole of the word evaluator',
  branch: 'soil-staging',
  startTime: noon,
  deployTime: noon + 1170,
  imagePullSeconds: 74.2,
  attempt: 1,
  outcome: 'failed',
  status: 124,
  ...machine,
  tasks: [{ name: 'spec', run: 'set -e\ntest/spec-cpp.sh run-for-soil\ntest/spec-cpp.sh <report>' }],
  expectedJobs: [],
};

export function task(
  outcome: TaskOutcome,
  name: string,
  elapsedSeconds: number | undefined,
  more: Partial<TaskRow> = {},
): TaskRow {
  return {
    kind: 'row',
    status: 0,
    task: valueOf(parseTaskName(name)),
    script: 'test/soil.sh',
    action: name,
    ...withoutUndefined({ elapsedSeconds }),
    outcome,
    allowed: false,
    tries: 1,
    ...more,
  };
}

/** A job with its files. */
export interface SampleJob extends Job, JobDetails {
  readonly wwzBytes?: number;
}

export interface SampleRun extends Run {
  readonly jobs: readonly SampleJob[];
}

/** A finished job; the run that contains it fills in its address. */
export function job(
  name: string,
  rows: readonly Row[],
  record: Partial<JobRecord>,
  problems: readonly string[] = [],
): SampleJob {
  const outcome = record.outcome ?? foldTasks(rows);
  const jobName = valueOf(parseJobName(name));
  const whole = { schema: 1, attempt: 1, job: jobName, tasks: [], expectedJobs: [], outcome, ...record };
  const files = { record: whole, rows, problems, wwzBytes: 220_400 };
  const end = { outcome, status: record.status ?? 0 };
  return {
    address: { host: 'github', name: valueOf(parseRunId('0')), job: jobName },
    outcome,
    summary: summarize({ ...files, end }, createInterner()),
    ...files,
    events: { tasksDone: rows.length },
    flakyTasks: [],
  };
}

/** A job whose TSV is half invalid, as parsed. */
export function badJob(record: Partial<JobRecord>): SampleJob {
  const rows = valueOf(
    parseRows('0\t1.5\tlint\ttest/lint.sh\tall\t-\n0\t<script>alert(1)</script>\nx\t1\ta\tb\tc\t-\n'),
  );
  return job('parse-errors', rows, record, ['cannot read key "commit-date": "<i>": not a date']);
}

export function absent(name: string, outcome: JobOutcome): SampleJob {
  const { address } = job(name, [], {});
  return { address, outcome, rows: [], problems: [], events: { tasksDone: 0 }, flakyTasks: [] };
}

export function running(name: string, startTime: number, tasksDone: number): SampleJob {
  return { ...absent(name, 'running'), events: { startTime, lastTime: startTime + 9, tasksDone } };
}

export function pulling(name: string, pullBeginTime: number): SampleJob {
  const events = { startTime: pullBeginTime, pullBeginTime, lastTime: pullBeginTime, tasksDone: 0 };
  return { ...absent(name, 'running'), events };
}

export function github(number: string, attempt: number, jobs: readonly SampleJob[]): SampleRun {
  return runOf({ host: 'github', name: folderName(valueOf(parseRunId(number)), attempt) }, jobs);
}

export function sourcehut(
  id: string,
  name: string,
  rows: readonly Row[],
  record: Partial<JobRecord>,
): SampleRun {
  return runOf({ host: 'sourcehut', name: valueOf(parseRunId(id)) }, [job(name, rows, record)]);
}

export function runOf(
  folder: { host: WorkerHost; name: RunFolder['name'] },
  jobs: readonly SampleJob[],
): SampleRun {
  const records = jobs.flatMap((j) => (j.record === undefined ? [] : [j.record]));
  const starts = jobs.flatMap((j) => j.record?.startTime ?? j.events.startTime ?? []);
  return {
    folder,
    ...splitFolder(folder),
    arrival: 0,
    outcome: foldJobs(jobs.map((j) => j.outcome)),
    ...withoutUndefined({
      commit: records.find((r) => r.commit)?.commit,
      commitLine: records.find((r) => r.commitLine)?.commitLine,
      branch: records.find((r) => r.branch)?.branch,
      startTime: starts.length === 0 ? undefined : Math.min(...starts),
    }),
    jobs: [...jobs]
      .sort((a, b) => (a.address.job < b.address.job ? -1 : 1))
      .map((j) => ({ ...j, address: { ...folder, job: j.address.job } })),
  };
}
