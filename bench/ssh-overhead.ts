/** Measures a job on another machine, an sshd on loopback, against `ssh HOST true`: the whole job, and one more task. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { JobName, TaskName } from '../model/name.js';
import { plainTask } from '../model/task.js';
import { must } from '../test/command.js';
import { makeRepo } from '../test/git-repo.js';
import { openSshMachine, sshAlias, type SshMachine } from '../test/ssh-machine.js';
import { runJob } from '../worker/runner/run-job.js';
import type { BenchResult } from './result.js';

const tasks = 200;
const jobs = 10;

export async function benchSshOverhead(): Promise<BenchResult[]> {
  const machine = await openSshMachine();
  const repo = await makeRepo({ 'soil.yml': 'x', 'a.txt': 'a' });
  try {
    const env = machine.environment;
    const login = async () => {
      const begin = performance.now();
      await must('ssh', ['-o', 'BatchMode=yes', sshAlias, 'true'], { env });
      return performance.now() - begin;
    };
    let [peer, whole] = [0, 0];
    // In turns, so that both meet the same load.
    for (let i = 0; i < jobs; i++) {
      peer += (await login()) / jobs;
      const begin = performance.now();
      await runTasks(machine, repo, 1);
      whole += (performance.now() - begin) / jobs;
    }
    return [
      {
        ...{ name: 'a job of one task on another machine', ours: whole, peer, unit: 'ms' },
        ...{ peerName: 'ssh HOST true', target: 'at most twice ssh HOST true' },
      },
      {
        ...{
          name: 'a task on another machine',
          ours: await runTasks(machine, repo, tasks),
          peer,
          unit: 'ms',
        },
        ...{ peerName: 'ssh HOST true', target: '5 ms or less' },
      },
    ];
  } finally {
    await machine.close();
    await rm(repo, { recursive: true, force: true });
  }
}

/** Runs a job, and returns ms per task, from the begin of the first to the end of the last. */
async function runTasks({ environment }: SshMachine, repo: string, count: number): Promise<number> {
  let first = 0;
  let last = 0;
  const end = await runJob({
    job: {
      name: 'bench' as JobName,
      image: { kind: 'ssh', destination: sshAlias },
      // The first task opens the connection and does not count among several.
      tasks: Array.from({ length: count === 1 ? 1 : count + 1 }, (_, i) =>
        plainTask(`t${i}` as TaskName, 'true'),
      ),
      ...{ artifacts: [], needs: [], environment: {}, engineFlags: [] },
      ...{ timeoutSeconds: 60, graceSeconds: 1, stopOnFailure: false },
    },
    ...{
      repo,
      out: join(repo, '_soil', 'bench'),
      ownFolders: ['_soil'],
      origin: { attempt: 1, expectedJobs: [] },
    },
    environment: { ...process.env, ...environment },
    userPath: process.env.PATH,
    report: (progress) => {
      if (progress.kind !== 'task-done') return;
      if (first === 0) first = performance.now();
      last = performance.now();
    },
    cancel: new AbortController().signal,
  });
  if (end.outcome !== 'passed') throw new Error(`the benchmark's job ended as ${end.outcome}`);
  return (last - first) / count;
}
