/**
 * Measures what a whole job of one task costs, as a process of its own: `soil-worker run JOB` against the bare command that
 * runs the same in a container, on the raw machine, or over SSH, alternately.
 */
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { must, soilWorker } from '../test/command.js';
import { openEngine } from '../test/engines.js';
import { startSshd } from '../test/sshd.js';
import { orMissing, type BenchResult, type Missing } from './result.js';

const rounds = 11;
const atMostTwice = 'at most 2 times the bare command';

export async function benchJobOverhead(): Promise<(BenchResult | Missing)[]> {
  const results: (BenchResult | Missing)[] = [];
  for (const kind of ['podman', 'docker'] as const)
    results.push(await orMissing(kind, () => compareWithEngine(kind)));
  results.push(await orMissing('raw machine', compareWithShell));
  results.push(await orMissing('ssh', compareWithSsh));
  return results;
}

async function compareWithEngine(kind: 'podman' | 'docker'): Promise<BenchResult> {
  const { image, environment, close } = await openEngine(kind);
  try {
    return await compare({
      ...{ name: `a job of one task (${kind})`, target: atMostTwice, environment },
      job: `image: ${image}\n    pull: never\n    network: none`,
      flags: ['--engine', kind],
      bare: [kind, 'run', '--rm', '--network', 'none', image, 'true'],
    });
  } finally {
    await close();
  }
}

const compareWithShell = (): Promise<BenchResult> =>
  compare({
    name: 'a job of one task (raw machine)',
    target: 'as little as possible: the bare command takes almost no time',
    ...{ environment: {}, job: 'image: none', flags: [], bare: ['sh', '-c', 'true'] },
  });

async function compareWithSsh(): Promise<BenchResult> {
  const sshd = await startSshd();
  try {
    // ssh reads the configuration of the user who runs it, wherever HOME is.
    const [config, bin] = [join(sshd.folder, 'config'), join(sshd.folder, 'bin')];
    const known = join(sshd.folder, 'known_hosts');
    await writeFile(known, `[127.0.0.1]:${sshd.port} ${sshd.hostKey}\n`);
    await writeFile(
      config,
      `Host soil-bench\nHostName 127.0.0.1\nPort ${sshd.port}\nUser ${sshd.user}\nIdentityFile ${sshd.key}\n` +
        `IdentitiesOnly yes\nUserKnownHostsFile ${known}\n`,
    );
    await mkdir(bin);
    const wrapper = `#!/bin/sh\nexec /usr/bin/ssh -F '${config}' "$@"\n`;
    await writeFile(join(bin, 'ssh'), wrapper, { mode: 0o755 });
    return await compare({
      ...{ name: 'a job of one task (ssh on loopback)', target: atMostTwice, flags: [] },
      environment: { PATH: `${bin}${delimiter}${process.env.PATH ?? ''}` },
      job: 'image: ssh:soil-bench',
      bare: ['ssh', 'soil-bench', 'true'],
    });
  } finally {
    await sshd.close();
  }
}

interface Comparison {
  readonly name: string;
  readonly target: string;
  /** added to that of this process */
  readonly environment: Readonly<Record<string, string>>;
  /** lines of soil.yml that say where the job runs */
  readonly job: string;
  readonly flags: readonly string[];
  readonly bare: readonly string[];
}

async function compare({ name, target, environment, job, flags, bare }: Comparison): Promise<BenchResult> {
  const folder = await mkdtemp(join(tmpdir(), 'soil-bench-'));
  try {
    const repo = join(folder, 'repo');
    await mkdir(repo);
    await writeFile(
      join(repo, 'soil.yml'),
      `project: bench\njobs:\n  one:\n    ${job}\n    tasks:\n      - { name: task, run: 'true' }\n`,
    );
    await must('git', ['init', '--quiet'], { cwd: repo });
    await must('git', ['add', '.'], { cwd: repo });
    const identity = ['-c', 'user.name=Bench', '-c', 'user.email=bench@example.org'];
    await must('git', [...identity, 'commit', '--quiet', '--message', 'Add a job'], { cwd: repo });
    const env = { ...process.env, XDG_STATE_HOME: join(folder, 'state'), ...environment };
    const time = (words: readonly string[]): number => {
      const [program = '', ...args] = words;
      const begin = performance.now();
      const end = spawnSync(program, args, { cwd: repo, env, timeout: 120_000, encoding: 'utf8' });
      const milliseconds = performance.now() - begin;
      if (end.status === 0) return milliseconds;
      const reason = end.error?.message ?? `${end.stdout}${end.stderr}`.trim().split('\n').slice(-1).join('');
      throw new Error(`${words.slice(0, 4).join(' ')} failed: ${reason}`);
    };
    const ours: number[] = [];
    const peer: number[] = [];
    // They alternate, so that other load on the machine affects both equally; the first round fills the caches.
    for (let round = 0; round <= rounds; round++) {
      const bareTime = time(bare);
      const jobTime = time([process.execPath, soilWorker, 'run', 'one', ...flags]);
      if (round === 0) continue;
      peer.push(bareTime);
      ours.push(jobTime);
    }
    const peerName = bare.slice(0, 2).join(' ');
    return { name, target, unit: 'ms', ours: median(ours), peer: median(peer), peerName };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}
