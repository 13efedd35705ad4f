import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { soilWorker, worker, type CommandEnd } from './command.js';
import { openEngine, type TestEngine } from './engines.js';
import { makeRepo } from './git-repo.js';
import { jobYaml, runJobYaml } from './job-fixture.js';
import { runInTerminal, type TerminalOptions } from './terminal.js';

const bare = { GITHUB_ACTIONS: undefined, SOIL_SERVER: undefined, JOB_ID: undefined };
/** Prints what must be equal in a task and a shell of the same job. */
const looks = `id; pwd; cat seed; echo "$SOIL_JOB $CI $COLOR"; git_config=\${GIT_CONFIG_VALUE_0:-none}; echo "$git_config"; echo "token \${SOIL_TOKEN:-none}"; ls -d /sys/class/net/*`;

for (const kind of ['podman', 'docker', 'raw'] as const) {
  describe(`soil-worker shell on ${kind}`, () => {
    let machine: TestEngine;
    let repo: string;
    before(async () => {
      machine = await openEngine(kind);
      const more = `env: {COLOR: "red 'n' blue"}${kind === 'raw' ? '' : '\nuser: "1234"'}`;
      repo = await makeRepo({
        'soil.yml': jobYaml(machine, `- {name: look, run: '${looks.replaceAll("'", "''")}'}`, more),
        seed: 'a file of the repo\n',
      });
    });
    after(async () => {
      await machine.close();
      await rm(repo, { recursive: true, force: true });
    });
    const env = () => ({ ...bare, ...machine.environment, SOIL_TOKEN: 'tok-en' });
    const engineOptions = () => (machine.engine === undefined ? [] : ['--engine', machine.engine]);
    const shell = (args: readonly string[], more: { readonly input?: string } = {}): Promise<CommandEnd> =>
      worker(['shell', 'job', ...engineOptions(), ...args], { cwd: repo, env: env(), ...more });
    const terminal = (keys: NonNullable<TerminalOptions['keys']>, args: readonly string[] = []) =>
      runInTerminal(process.execPath, [soilWorker, 'shell', 'job', ...engineOptions(), ...args], {
        ...{ cwd: repo, keys, env: { ...env(), PS1: undefined } },
      });

    it('-c runs with the same user, folder, repository, environment and network as a task, without a token', async (t) => {
      const yaml = await readFile(join(repo, 'soil.yml'), 'utf8');
      const job = await runJobYaml(t, machine, yaml, {
        ...{ files: { seed: 'a file of the repo\n' }, env: { SOIL_TOKEN: 'tok-en' } },
      });
      const end = await shell(['-c', looks]);
      assert.equal(end.status, 0, end.stderr);
      const log = await job.log('look');
      assert.equal(end.stdout.replace(repo, job.repo), log);
      assert.match(log, /token none/);
      if (kind !== 'raw') assert.match(log, /^uid=1234[^]*\n\/repo\n[^]*\n\/sys\/class\/net\/lo\n$/);
      assert.deepEqual(await machine.containers(), []);
    });

    it('-c passes on stdin and exit status, and ends at the first failure like a task', async () => {
      assert.equal((await shell(['-c', 'exit 7'])).status, 7);
      const fed = await shell(['-c', 'cat; false; echo never'], { input: 'über\n' });
      assert.deepEqual([fed.status, fed.stdout], [1, 'über\n']);
    });

    it('-c ends as its command does when a signal ends that', async () => {
      for (const [command, status] of [
        ['kill -9 $$', 137],
        ['kill -TERM $$', 143],
        ['kill 0; sleep 60', 143],
        ['kill -KILL 0; sleep 60', 137],
      ] as const) {
        assert.equal((await shell(['-c', command])).status, status, command);
      }
      assert.deepEqual(await machine.containers(), []);
    });

    it('attaches the terminal and exits with the shell’s status', async () => {
      const end = await terminal([
        { after: /[$#] /, type: 'tty; cat seed\n' },
        { after: /a file of the repo[^]*[$#] /, type: 'exit 42\n' },
      ]);
      assert.equal(end.status, 42, end.screen);
      assert.match(end.screen, /\/dev\/(pts\/\d+|console)/);
      assert.match(end.screen, /a file of the repo\r\n/);
      assert.deepEqual(await machine.containers(), []);
    });

    it('refuses to start without a terminal and without -c', async () => {
      const end = await shell([]);
      assert.equal(end.status, 2);
      assert.match(
        end.stderr,
        /cannot open a shell in job "job": stdin and stdout are not a terminal; pass a command with -c/,
      );
    });

    it('leaves no container and no folder', async () => {
      const temporary = await mkdtemp(join(tmpdir(), 'soil-temporary-'));
      await worker(['shell', 'job', ...engineOptions(), '-c', 'true'], {
        ...{ cwd: repo, env: { ...env(), TMPDIR: temporary } },
      });
      assert.deepEqual(await machine.containers(), []);
      assert.deepEqual(await readdir(temporary), []);
      await rm(temporary, { recursive: true });
    });

    it('the built-in tasks run without any program but sh', async () => {
      const end = await shell(['-c', 'API_TOKEN=abc PLAIN=1 sh "$SOIL_BUILTIN" os-info dump-env']);
      assert.equal(end.status, 0, end.stderr);
      assert.match(end.stdout, /^system: Linux/m);
      assert.match(end.stdout, /^API_TOKEN=\*\*\*$/m);
      assert.match(end.stdout, /^PLAIN=1$/m);
    });
  });
}

describe('soil-worker shell', () => {
  it('a missing image exits with 125 and the reason', async (t) => {
    const machine = await openEngine('podman');
    t.after(() => machine.close());
    const repo = await makeRepo({
      'soil.yml': jobYaml({ ...machine, image: 'localhost/soil-no-such-image' }, `- {name: a, run: 'true'}`),
    });
    t.after(() => rm(repo, { recursive: true, force: true }));
    const end = await worker(['shell', 'job', '-c', 'true'], {
      cwd: repo,
      env: { ...bare, ...machine.environment },
    });
    assert.equal(end.status, 125);
    assert.match(end.stderr, /cannot use image "localhost\/soil-no-such-image"/);
  });
});
