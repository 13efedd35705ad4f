/** Measures what one more task costs in a running container: Soil's supervisor against `exec` of podman and docker. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JobName, TaskName } from '../model/name.js';
import { plainTask } from '../model/task.js';
import { must } from '../test/command.js';
import { openEngine } from '../test/engines.js';
import { runJob } from '../worker/runner/run-job.js';
import { orMissing, type BenchResult, type Missing } from './result.js';

const tasks = 200;
const execs = 20;

export async function benchTaskOverhead(): Promise<(BenchResult | Missing)[]> {
  const results: (BenchResult | Missing)[] = [];
  for (const kind of ['podman', 'docker'] as const)
    results.push(await orMissing(kind, () => compareWith(kind)));
  return results;
}

async function compareWith(kind: 'podman' | 'docker'): Promise<BenchResult> {
  const machine = await openEngine(kind);
  const folder = await mkdtemp(join(tmpdir(), 'soil-bench-'));
  try {
    const name = 'soil-bench-exec';
    const run = ['run', '--detach', '--rm', '--network=none', '--name', name, machine.image, 'sleep', '600'];
    await must(kind, run, { env: machine.environment });
    const begin = performance.now();
    for (let i = 0; i < execs; i++) await must(kind, ['exec', name, 'true'], { env: machine.environment });
    const peer = (performance.now() - begin) / execs;
    await must(kind, ['rm', '--force', name], { env: machine.environment });
    return {
      name: `a task in a running container (${kind})`,
      ours: await soilTask(machine.image, kind, machine.environment, folder),
      peer,
      unit: 'ms',
      peerName: `${kind} exec`,
      target: '5 ms or less, and 25 times less than exec',
    };
  } finally {
    await machine.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Returns ms per task, from the begin of the first to the end of the last, so that scripts, logs and rows count. */
async function soilTask(
  image: string,
  engine: 'podman' | 'docker',
  environment: Readonly<Record<string, string>>,
  folder: string,
): Promise<number> {
  let first = 0;
  let last = 0;
  const end = await runJob({
    job: {
      name: 'bench' as JobName,
      image: { kind: 'named', name: image, pull: 'never' },
      // The first task starts the container and does not count.
      tasks: Array.from({ length: tasks + 1 }, (_, i) => plainTask(`t${i}` as TaskName, 'true')),
      artifacts: [],
      needs: [],
      timeoutSeconds: 60,
      graceSeconds: 1,
      environment: {},
      network: 'none',
      engineFlags: [],
      stopOnFailure: false,
    },
    repo: folder,
    out: join(folder, 'out'),
    ownFolders: [],
    origin: { attempt: 1, expectedJobs: [] },
    engine,
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
  return (last - first) / tasks;
}
