/** Makes the record and rows of one job of a generated history, as Soil's shell worker writes them. */

export const jobsOfRun = 18;
export const tasksOfJob = 20;

const historyCommit = (run: number): string => (run * 7919).toString(16).padStart(40, 'a');

export function historyRecord(run: number, job: number): Readonly<Record<string, string>> {
  const begin = 1_500_000_000 + run * 600;
  return {
    'job-name': `job-${job}`,
    'commit-hash': historyCommit(run),
    'commit-date': '2026-01-13 06:58:12 -0500',
    'commit-line': `Change ${run}`,
    'task-run-start-time': String(begin),
    'task-deploy-start-time': String(begin + 60),
    JOB_URL: `https://ci.example/o/r/actions/runs/${run + 100_000}`,
    GITHUB_RUN_NUMBER: String(run),
    GITHUB_RUN_ID: String(run + 100_000),
    GITHUB_REF: 'refs/heads/main',
  };
}

export function formatHistoryTsv(): string {
  return Array.from({ length: tasksOfJob }, (_, i) => `0\t1.5\ttask-${i}\ttest/soil.sh\trun-${i}\t-\n`).join(
    '',
  );
}
