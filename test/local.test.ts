import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, appendFile, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { must, soilWorker, worker, type CommandEnd } from './command.js';
import { openEngine, type TestEngine } from './engines.js';
import { makeRepo } from './git-repo.js';
import { jobYaml } from './job-fixture.js';
import { isProcessRunning, waitForFile } from './wait-for.js';
import { startServer } from './soil-server.js';

const bare = { GITHUB_ACTIONS: undefined, SOIL_SERVER: undefined, JOB_ID: undefined, JOB_URL: undefined };

for (const kind of ['raw', 'podman'] as const) {
  describe(`soil-worker local on ${kind}`, () => {
    let machine: TestEngine;
    let repo: string;
    let temporary: string;
    before(async () => {
      machine = await openEngine(kind);
      temporary = await mkdtemp(join(tmpdir(), 'soil-temporary-'));
      const tasks = `
- name: look
  run: |
    ls; cat seed
    mkdir -p _out; echo made | tee _out/made.txt >_out/program.tar
  results: _out/made.txt
- {name: long, run: 'test ! -e wait || { touch ready; sleep 600; }'}`;
      repo = await makeRepo({
        'soil.yml': jobYaml(machine, tasks, 'artifacts: [_out/program.tar]'),
        ...{ seed: 'committed\n', gone: 'x\n', '.gitignore': 'ignored\n' },
      });
      await writeFile(join(repo, 'seed'), 'not committed\n');
      await writeFile(join(repo, 'new ü'), 'new\n');
      await writeFile(join(repo, 'ignored'), 'ignored\n');
      await must('git', ['-C', repo, 'mv', 'gone', 'moved']);
    });
    after(async () => {
      await machine.close();
      for (const folder of [repo, temporary]) await rm(folder, { recursive: true, force: true });
    });
    const local = (
      args: readonly string[] = [],
      env: Record<string, string | undefined> = {},
    ): Promise<CommandEnd> =>
      worker(['local', 'job', ...args], {
        ...{ cwd: repo, env: { ...bare, ...machine.environment, TMPDIR: temporary, ...env } },
      });

    it('runs HEAD only, prints uncommitted files, stores results and artifacts, and removes the clone', async () => {
      const end = await local();
      assert.equal(end.status, 0, end.stdout + end.stderr);
      assert.match(end.stdout, /^commit [0-9a-f]{12}: A change: größer\n/);
      assert.equal(
        end.stderr,
        'not committed, so left out: 3 files or folders\n  R  moved\n   M seed\n  ?? new ü\n',
      );
      const out = join(repo, '_soil', 'job');
      const log = await readFile(join(out, 'logs', 'look.txt'), 'utf8');
      assert.equal(log, 'gone\nseed\nsoil.yml\ncommitted\n');
      const names = await must('unzip', ['-Z1', join(out, 'job.wwz')]);
      assert.match(names, /^_out\/made\.txt$/m);
      assert.equal(await readFile(join(out, 'artifacts', 'program.tar'), 'utf8'), 'made\n');
      assert.deepEqual(await readdir(temporary), []);
      await assert.rejects(access(join(repo, '_out')), 'the job leaves nothing in the repository');
    });

    it('--keep keeps the clone and prints its path; its origin is that of the repository', async (t) => {
      await must('git', ['-C', repo, 'remote', 'add', 'origin', 'https://user:secret@example.org/p.git']);
      t.after(() => must('git', ['-C', repo, 'remote', 'remove', 'origin']));
      const end = await local(['--keep']);
      const [, folder = ''] = /^kept the clone: (.*)$/m.exec(end.stdout) ?? [];
      assert.equal(await readFile(join(folder, '_out', 'made.txt'), 'utf8'), 'made\n');
      const origin = await must('git', ['-C', folder, 'remote', 'get-url', 'origin']);
      assert.equal(origin, 'https://example.org/p.git\n');
      await rm(join(folder, '..'), { recursive: true });
    });

    it('SIGINT cancels the job, writes a record and removes the clone', async () => {
      await must('git', ['-C', repo, 'stash', '--include-untracked', '--quiet']);
      await writeFile(join(repo, 'wait'), '');
      await must('git', ['-C', repo, 'add', 'wait']);
      await must('git', ['-C', repo, 'commit', '-qm', 'wait']);
      const child = spawn(process.execPath, [soilWorker, 'local', 'job'], {
        ...{ cwd: repo, stdio: ['ignore', 'pipe', 'pipe'], timeout: 120_000, killSignal: 'SIGKILL' },
        env: { ...process.env, ...bare, ...machine.environment, TMPDIR: temporary },
      });
      let output = '';
      for (const stream of [child.stdout, child.stderr]) {
        stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
      }
      const ended = once(child, 'close');
      let clone = '';
      for (let i = 0; i < 3000 && clone === ''; i++) {
        clone = (await readdir(temporary)).find((name) => name.startsWith('soil-local-')) ?? '';
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      const root = join(temporary, clone);
      const [name = ''] = await (async () => {
        for (;;) {
          const names = await readdir(root);
          if (names.length > 0) return names;
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      })();
      const tooSoon = ended.then(() => {
        throw new Error(`the job ended before the signal\n${output}`);
      });
      await Promise.race([waitForFile(join(root, name, 'ready')), tooSoon]).catch((error: unknown) => {
        throw new Error(`${String(error)}\n${output}`);
      });
      tooSoon.catch(() => undefined);
      child.kill('SIGINT');
      assert.deepEqual(await ended, [130, null]);
      const record = await readFile(join(repo, '_soil', 'job', 'job.json'), 'utf8');
      assert.match(record, /"outcome": "cancelled"/);
      assert.deepEqual(
        (await readdir(temporary)).filter((n) => n.startsWith('soil-local-')),
        [],
      );
      assert.deepEqual(await machine.containers(), []);
      assert.equal(await isProcessRunning(clone), false);
      await must('git', ['-C', repo, 'reset', '-q', '--hard', 'HEAD~1']);
    });
  });
}

describe('soil-worker local', () => {
  it('clones submodules, also nested ones, at HEAD’s commits from the checked-out copies', async (t) => {
    const deep = await makeRepo({ 'deep.txt': 'deep\n' });
    const middle = await makeRepo({ 'middle.txt': 'middle\n' });
    const yaml = `project: p\njobs: { a: { image: none, tasks: [{ name: look, run: 'cat sub/middle.txt sub/in/deep.txt' }] } }\n`;
    const repo = await makeRepo({ 'soil.yml': yaml });
    t.after(() => Promise.all([deep, middle, repo].map((f) => rm(f, { recursive: true, force: true }))));
    const git = (at: string, ...args: string[]) =>
      must('git', ['-C', at, '-c', 'protocol.file.allow=always', ...args]);
    await git(middle, 'submodule', '--quiet', 'add', deep, 'in');
    await git(middle, 'commit', '-qm', 'in');
    await git(repo, 'submodule', '--quiet', 'add', middle, 'sub');
    await git(repo, 'submodule', '--quiet', 'update', '--init', '--recursive');
    await git(repo, 'commit', '-qm', 'sub');
    // Their origins are unreachable: only the checked-out copies remain.
    for (const folder of [deep, middle]) await rm(folder, { recursive: true });
    await appendFile(join(repo, 'sub', 'middle.txt'), 'changed\n');
    const end = await worker(['local', 'a'], { cwd: repo, env: bare });
    assert.equal(end.status, 0, end.stdout + end.stderr);
    assert.match(end.stderr, /^ {2} {1}M sub$/m);
    assert.equal(await readFile(join(repo, '_soil', 'a', 'logs', 'look.txt'), 'utf8'), 'middle\ndeep\n');
  });

  it('publish sends the artifact that a local run stored, not the one in the repository', async (t) => {
    const server = await startServer();
    const yaml = `project: p\njobs: { a: { image: none, artifacts: [out.txt], tasks: [{ name: m, run: 'echo clone >out.txt' }] } }\n`;
    const repo = await makeRepo({ 'soil.yml': yaml });
    t.after(async () => {
      await server.close();
      await rm(repo, { recursive: true, force: true });
    });
    await writeFile(join(repo, 'out.txt'), 'stale\n');
    const env = { ...bare, SOIL_SERVER: server.url, SOIL_TOKEN: server.token };
    const run = await worker(['local', 'a', '--run-id', 'r'], { cwd: repo, env });
    assert.equal(run.status, 0, run.stderr);
    const end = await worker(['publish', 'a'], { cwd: repo, env });
    assert.equal(end.status, 0, end.stderr);
    const url = end.stdout.trim().split('\n').at(-1) ?? '';
    assert.equal(await (await fetch(url)).text(), 'clone\n');
    const both = await worker(['local', 'a', '--run-id', 's', '--publish'], { cwd: repo, env });
    assert.equal(both.status, 0, both.stderr);
    assert.match(both.stdout, /local-jobs\/s\//);
  });

  it('a second SIGINT ends a task that ignores signals immediately, and there is a record', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'soil-ready-'));
    const ready = join(folder, 'ready');
    const task = `{ name: deaf, run: "trap '' INT TERM; touch ${ready}; while :; do sleep 0.1; done" }`;
    const repo = await makeRepo({
      'soil.yml': `project: p\njobs: { a: { image: none, grace: 1h, tasks: [${task}] } }\n`,
    });
    t.after(() => Promise.all([folder, repo].map((f) => rm(f, { recursive: true, force: true }))));
    const child = spawn(process.execPath, [soilWorker, 'local', 'a'], {
      ...{ cwd: repo, stdio: ['ignore', 'ignore', 'pipe'], timeout: 120_000, killSignal: 'SIGKILL' },
      env: { ...process.env, ...bare, TMPDIR: folder },
    });
    const ended = once(child, 'exit');
    await waitForFile(ready);
    child.kill('SIGINT');
    // Two pending signals merge into one: send the second once the first was delivered.
    await signalIsTaken(child.pid ?? 0, 2);
    child.kill('SIGINT');
    assert.deepEqual(await ended, [130, null]);
    const record = await readFile(join(repo, '_soil', 'a', 'a.json'), 'utf8');
    assert.match(record, /"outcome": "cancelled"/);
    assert.deepEqual(await readdir(folder), ['ready']);
  });

  it('refuses to run without a repository or a commit, and an unknown job', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'soil-none-'));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const none = await worker(['local', 'a'], { cwd: folder, env: bare });
    assert.deepEqual([none.status, none.stderr.includes('is not in a git repo')], [2, true]);
    await must('git', ['-C', folder, 'init', '-q']);
    const empty = await worker(['local', 'a'], { cwd: folder, env: bare });
    assert.deepEqual([empty.status, empty.stderr.includes('it has no commit yet')], [2, true]);
    const repo = await makeRepo({
      'soil.yml': 'project: p\njobs: { a: { image: none, tasks: [{ name: m, run: x }] } }\n',
    });
    t.after(() => rm(repo, { recursive: true, force: true }));
    const unknown = await worker(['local', 'b'], { cwd: repo, env: bare });
    assert.deepEqual([unknown.status, unknown.stderr.includes('cannot run job "b"')], [2, true]);
    await must('git', ['-C', repo, 'rm', '-q', '--cached', 'soil.yml']);
    await must('git', ['-C', repo, 'commit', '-q', '-m', 'without it']);
    const forgotten = await worker(['local', 'a'], { cwd: repo, env: bare });
    assert.equal(forgotten.status, 2);
    assert.match(
      forgotten.stderr,
      /^cannot run job "a": commit [0-9a-f]{12} has no soil\.yml; commit the file, or use "soil-worker run"$/m,
    );
  });
});

/** Waits until no signal of this number is pending for the process, or the process has ended. */
async function signalIsTaken(pid: number, signal: number): Promise<void> {
  for (;;) {
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
    const pending = /^ShdPnd:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0';
    if ((BigInt(`0x${pending}`) & (1n << BigInt(signal - 1))) === 0n) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
