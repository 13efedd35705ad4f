import assert from 'node:assert/strict';
import { access, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { soilWorker, worker, type CommandEnd } from './command.js';
import { makeRepo } from './git-repo.js';
import { startServer, type RunningServer } from './soil-server.js';
import { runInTerminal } from './terminal.js';

const yaml = `project: p
jobs:
  unit:
    image: none
    tasks:
      - { name: first, run: sleep 0.3 }
      - { name: second, run: 'exit 3' }
  both:
    image: none
    parallel: 2
    tasks:
      - { name: fast, run: 'true' }
      - { name: slow, run: sleep 1 }
  deep:
    image: none
    working-folder: sub
    tasks: [{ name: compile, run: 'echo "a.c:3:5: error: no such thing"; exit 1' }]
merge: { from: soil-staging, to: main, require: all }
`;
const bare = {
  ...{ GITHUB_ACTIONS: undefined, JOB_ID: undefined, JOB_URL: undefined, SOIL_SERVER: undefined },
  ...{
    CI: undefined,
    NO_COLOR: undefined,
    TERM: 'xterm',
    SOIL_RUN: undefined,
    GITHUB_STEP_SUMMARY: undefined,
  },
};

describe('the output of soil-worker', () => {
  let repo: string;
  let server: RunningServer;
  before(async () => {
    repo = await makeRepo({ 'soil.yml': yaml, 'sub/a.c': '' });
    server = await startServer();
  });
  after(async () => {
    await server.close();
    await rm(repo, { recursive: true, force: true });
  });
  const onScreen = (env: Record<string, string | undefined> = {}, job = 'unit') =>
    runInTerminal(process.execPath, [soilWorker, 'run', job], { cwd: repo, env: { ...bare, ...env } });
  const soil = (args: readonly string[], env: Record<string, string> = {}): Promise<CommandEnd> =>
    worker(args, { cwd: repo, env: { ...bare, ...env } });

  it('a terminal gets colors and a status line that is removed at the end', async () => {
    const { status, screen } = await onScreen();
    assert.equal(status, 3);
    assert.match(screen, /\u001b\[31mfailed/);
    assert.match(screen, /\r\u001b\[2Krunning first \(1 of 2\)/);
    // What a person sees at the end: the last state of each line.
    const lines = screen.split('\n').map((line) => line.split('\u001b[2K').at(-1) ?? '');
    assert.ok(!lines.some((line) => line.includes('running ')), screen);
  });

  it('the status line continues to show running tasks when another one is done', async () => {
    const { screen } = await onScreen({}, 'both');
    const parts = screen.split('\u001b[2K');
    const at = (what: RegExp): number => parts.findIndex((part) => what.test(part));
    const fast = at(/passed.*fast/);
    assert.ok(fast >= 0 && fast < at(/passed.*slow/), screen);
    assert.match(parts.slice(fast + 1, at(/passed.*slow/)).join(), /running slow \(2 of 2\)/);
    assert.ok(at(/writing the archive/) > at(/passed.*slow/), screen);
  });

  it('NO_COLOR removes colors; CI and a dumb terminal remove all control sequences', async () => {
    const plain = await onScreen({ NO_COLOR: '1' });
    assert.doesNotMatch(plain.screen, /\u001b\[\d+m/);
    assert.match(plain.screen, /running first/);
    for (const env of [{ CI: 'true' }, { TERM: 'dumb', NO_COLOR: '1' }]) {
      const { screen } = await onScreen(env);
      assert.doesNotMatch(screen, /\u001b/, JSON.stringify(env));
      assert.doesNotMatch(screen, /running first/);
    }
  });

  it('a pipe gets plain lines only', async () => {
    const end = await soil(['run', 'unit']);
    assert.doesNotMatch(end.stdout + end.stderr, /\u001b|\r/);
  });

  it('annotations for GitHub name files relative to the repository, in whatever folder the task ran', async () => {
    const github = {
      ...{ GITHUB_ACTIONS: 'true', GITHUB_RUN_ID: '1', GITHUB_RUN_NUMBER: '1' },
      ...{ GITHUB_SHA: 'a'.repeat(40), GITHUB_OUTPUT: '', GITHUB_EVENT_PATH: '' },
    };
    const end = await soil(['run', 'deep', '--no-clean'], github);
    assert.match(end.stdout, /^::error file=sub\/a\.c,line=3,col=5,title=deep%3A compile::no such thing$/m);
  });

  it('run --json prints one line of JSON on stdout, the rest on stderr, and exits with the job’s status', async () => {
    const env = { SOIL_SERVER: server.url, SOIL_TOKEN: server.token };
    const end = await soil(['run', 'unit', '--json', '--publish', '--run-id', 'j'], env);
    assert.equal(end.status, 3);
    const output = JSON.parse(end.stdout) as Record<string, unknown>;
    assert.deepEqual([output.job, output.status, output.outcome], ['unit', 3, 'failed']);
    assert.deepEqual(
      (output.tasks as { task: string; outcome: string; status: number }[]).map((t) => [
        t.task,
        t.outcome,
        t.status,
      ]),
      [
        ['first', 'passed', 0],
        ['second', 'failed', 3],
      ],
    );
    assert.ok((output.urls as string[]).some((url) => url.startsWith(`${server.url}local-jobs/j/`)));
    assert.match(end.stderr, /^failed .* second/m);
    const wrong = await soil(['run', 'none', '--json']);
    assert.deepEqual([wrong.status, wrong.stdout], [2, '']);
  });

  it('local --json prints one line of JSON that names files outside of the clone', async () => {
    const end = await soil(['local', 'unit', '--json']);
    assert.equal(end.status, 3, end.stderr);
    const output = JSON.parse(end.stdout) as { outcome: string; files: { wwz: string } };
    assert.equal(output.outcome, 'failed');
    assert.equal(output.files.wwz, join(repo, '_soil/unit/unit.wwz'));
    await access(output.files.wwz);
  });

  it('did-all-succeed --json and maybe-merge --json print one line of JSON', async () => {
    await soil(['run', 'unit']);
    const end = await soil(['did-all-succeed', '_soil/unit/unit.tsv', 'none.tsv', '--json']);
    assert.equal(end.status, 1);
    const output = JSON.parse(end.stdout) as {
      succeeded: boolean;
      files: { file: string; faults: string[] }[];
    };
    assert.equal(output.succeeded, false);
    assert.deepEqual(
      output.files.map(({ file, faults }) => [file, faults.length]),
      [
        ['_soil/unit/unit.tsv', 1],
        ['none.tsv', 1],
      ],
    );
    const merge = ['maybe-merge', '--remote', repo, '--run-id', 'j', '--server', server.url, '--json'];
    const shut = await soil([...merge, '--branch', 'soil-staging', '--to', 'main']);
    const gate = JSON.parse(shut.stdout) as { status: number; message: string; target: string };
    assert.deepEqual([gate.status, gate.target], [shut.status, 'main']);
    assert.match(gate.message, /main/);
  });
});
