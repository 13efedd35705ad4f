import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { must, run, worker, type CommandEnd } from './command.js';
import { openEngine, type TestEngine } from './engines.js';
import { makeRepo } from './git-repo.js';

/** What a CI host has in the environment of a step, and no task may see. */
const stolen = {
  ...{ SOIL_TOKEN: 'stolen-soil', SOIL_GITHUB_API_TOKEN: 'stolen-api', GITHUB_TOKEN: 'stolen-github' },
  ...{ ACTIONS_RUNTIME_TOKEN: 'stolen-runtime', ACTIONS_ID_TOKEN_REQUEST_URL: 'http://stolen.example/' },
  ...{ ACTIONS_SOME_LATER_TOKEN: 'stolen-later', CI_JOB_TOKEN: 'stolen-gitlab', OAUTH2_TOKEN: 'stolen-srht' },
  ...{ BUILDKITE_AGENT_ACCESS_TOKEN: 'stolen-buildkite', JENKINS_AGENT_SECRET: 'stolen-jenkins' },
  ...{ CIRCLE_OIDC_TOKEN: 'stolen-circle', SYSTEM_ACCESSTOKEN: 'stolen-azure', NPM_TOKEN: 'stolen-npm' },
};
const commandFiles = [
  'GITHUB_ENV',
  'GITHUB_PATH',
  'GITHUB_OUTPUT',
  'GITHUB_STATE',
  'GITHUB_STEP_SUMMARY',
  'LATER_FILE',
];
const gitVariables = [
  'GIT_DIR',
  'GIT_INDEX_FILE',
  'GIT_WORK_TREE',
  'GIT_CONFIG_PARAMETERS',
  'GIT_OBJECT_DIRECTORY',
];

const bare = {
  ...{ GITHUB_ACTIONS: undefined, GITHUB_EVENT_NAME: undefined, SOIL_SERVER: undefined, SOIL_RUN: undefined },
  ...{ JOB_ID: undefined, JOB_URL: undefined, XDG_CONFIG_HOME: '/nonexistent' },
};

describe('M5: programs that a task left in the repo', () => {
  let base: string;
  let repo: string;
  let marker: string;
  before(async () => {
    base = await mkdtemp(join(tmpdir(), 'soil-attack-'));
    marker = join(base, 'stolen');
    const job = `image: none, tasks: [{ name: t, run: 'echo "PATH is $PATH"' }]`;
    repo = await makeRepo({
      'soil.yml': `project: p\njobs: { raw: { ${job} }, boxed: { image: x, tasks: [{ name: t, run: x }] } }\n`,
      Makefile: 'all:\n',
    });
    await mkdir(join(repo, 'node_modules/.bin'), { recursive: true });
    await mkdir(join(repo, 'sub/.git'), { recursive: true });
    const programs =
      'git podman docker ssh sh tar find cp rm mkfifo ps setsid mkdir ldd script cat env node npm newuidmap';
    for (const name of programs.split(' ')) {
      const file = join(repo, 'node_modules/.bin', name);
      await writeFile(file, `#!/bin/sh\necho "${name} $SOIL_TOKEN" >>${marker}\nexit 1\n`);
      await chmod(file, 0o755);
    }
    await symlink(join(repo, 'node_modules/.bin'), join(base, 'link'));
    await mkdir(join(base, 'tools'));
    await symlink(join(repo, 'node_modules/.bin/git'), join(base, 'tools/git'));
    await symlink('/usr/bin', join(repo, 'system'));
  });
  after(async () => {
    for (const folder of [base, repo]) await rm(folder, { recursive: true, force: true });
  });

  const path = (process.env.PATH ?? '')
    .split(':')
    .filter((entry) => entry.startsWith('/'))
    .join(':');
  const paths = (): Readonly<Record<string, string>> => ({
    'as npx sets it': `${repo}/node_modules/.bin:${path}`,
    'with a link to the folder': `${base}/link:${path}`,
    'with a link to the program': `${base}/tools:${path}`,
    'relative to the repo': `node_modules/.bin:./node_modules/.bin:${path}`,
    'through a parent folder': `${repo}/sub/../node_modules/.bin:${path}`,
  });

  it('run for a user who has that PATH, but not for the worker', async () => {
    for (const [how, PATH] of Object.entries(paths())) {
      const env = { ...bare, PATH, SOIL_TOKEN: 'a-secret-token' };
      await run('/bin/sh', ['-c', 'git status'], { cwd: repo, env });
      assert.ok(existsSync(marker), `${how}: the attack itself works`);
      await rm(marker);
      const soil = (args: readonly string[], cwd = repo): Promise<CommandEnd> => worker(args, { cwd, env });
      const ran = await soil(['run', 'raw']);
      assert.equal(ran.status, 0, ran.stderr);
      // Tasks run as the user would, with the PATH of the user.
      assert.equal(await readFile(join(repo, '_soil/raw/logs/t.txt'), 'utf8'), `PATH is ${PATH}\n`);
      await soil(['run', 'boxed', '--image', 'localhost/none']);
      await soil(['list-jobs'], join(repo, 'sub'));
      assert.ok(!existsSync(marker), `${how}: ${existsSync(marker) ? await readFile(marker, 'utf8') : ''}`);
    }
  });

  it('are not run by doctor, init, local and maybe-merge either', async () => {
    const env = { ...bare, PATH: `${repo}/node_modules/.bin:${path}`, SOIL_TOKEN: 'a-secret-token' };
    for (const args of [
      ['doctor', '--json'],
      ['init', '--dry-run'],
      ['local', 'raw'],
      ['maybe-merge', '--server', 'http://127.0.0.1:9/', '--remote', 'origin', '--wait', '0s'],
      ['shell', 'raw', '-c', ':'],
    ]) {
      await worker(args, { cwd: repo, env });
      assert.ok(
        !existsSync(marker),
        `${args.join(' ')}: ${existsSync(marker) ? await readFile(marker, 'utf8') : ''}`,
      );
    }
  });

  it('an empty entry of PATH, which means the current folder, is not searched', async () => {
    await writeFile(join(repo, 'git'), `#!/bin/sh\necho here >>${marker}\nexit 1\n`, { mode: 0o755 });
    for (const PATH of [`:${path}`, `.:${path}`, '']) {
      const end = await worker(['run', 'raw'], { cwd: repo, env: { ...bare, PATH } });
      assert.equal(end.status, 0, end.stderr);
      assert.ok(!existsSync(marker), PATH);
    }
    await rm(join(repo, 'git'));
  });
});

for (const kind of ['raw', 'podman'] as const) {
  describe(`the environment of tasks on ${kind}`, () => {
    let machine: TestEngine;
    let base: string;
    let repo: string;
    let files: Readonly<Record<string, string>>;
    before(async () => {
      machine = await openEngine(kind);
      base = await mkdtemp(join(tmpdir(), 'soil-attack-'));
      await mkdir(join(base, '_runner_file_commands'));
      files = Object.fromEntries(
        commandFiles.map((name) => [name, join(base, '_runner_file_commands', name.toLowerCase())]),
      );
      for (const file of Object.values(files)) await writeFile(file, '');
      const passed = [...Object.keys(stolen), ...commandFiles, ...gitVariables];
      // M14: the engine's client would take the values from its own environment.
      const flags =
        kind === 'raw'
          ? ''
          : `pull: never, network: none, engine-flags: [${passed.map((name) => `--env=${name}`).join(', ')}],`;
      const look = `env; cat /proc/self/environ; for f in ${commandFiles.map((name) => `"$${name}"`).join(' ')}; do [ -z "$f" ] || echo steered >>"$f"; done`;
      const job = (more: string): string => `{ image: ${machine.image}, ${flags} ${more} }`;
      repo = await makeRepo({
        'soil.yml': [
          'project: p',
          'jobs:',
          `  one: ${job(`tasks: [{ name: look, run: '${look}' }]`)}`,
          `  two: ${job(`parallel: 2, tasks: [{ name: look, run: '${look}' }, { name: more, run: '${look}' }]`)}`,
          `  listed: ${job(`tasks-from: "! env | grep stolen- && echo 'look env - -'"`)}`,
          '',
        ].join('\n'),
      });
    });
    after(async () => {
      await machine.close();
      for (const folder of [base, repo]) await rm(folder, { recursive: true, force: true });
    });

    const soil = (args: readonly string[]): Promise<CommandEnd> => {
      const git = {
        ...{ GIT_DIR: join(base, 'other.git'), GIT_INDEX_FILE: join(base, 'index'), GIT_WORK_TREE: base },
        ...{ GIT_CONFIG_PARAMETERS: "'user.name=stolen-name'", GIT_OBJECT_DIRECTORY: join(base, 'objects') },
      };
      return worker(args, {
        cwd: repo,
        env: { ...bare, ...machine.environment, ...stolen, ...files, ...git },
      });
    };
    const engine = kind === 'raw' ? [] : ['--engine', kind];
    const hidden = new RegExp(`stolen-|_runner_file_commands|^(${gitVariables.join('|')})=`, 'm');

    for (const job of ['one', 'two', 'listed']) {
      it(`M6, M14: job ${job} sees no token, no file of commands, and no place of another repo`, async () => {
        const end = await soil(['run', job, ...engine]);
        assert.equal(end.status, 0, end.stdout + end.stderr);
        for (const task of job === 'two' ? ['look', 'more'] : ['look']) {
          const log = await readFile(join(repo, '_soil', job, 'logs', `${task}.txt`), 'utf8');
          assert.match(log, /^SOIL_JOB=/m);
          assert.doesNotMatch(log, hidden);
        }
        for (const name of commandFiles) {
          // The summary and the outputs of the step are the worker's own to write.
          assert.doesNotMatch(await readFile(files[name] ?? '', 'utf8'), /steered/, name);
        }
      });
    }

    it('M6, M14: neither does a shell', async () => {
      const end = await soil(['shell', 'one', ...engine, '-c', 'env']);
      assert.equal(end.status, 0, end.stderr);
      assert.match(end.stdout, /^SOIL_JOB=one$/m);
      assert.doesNotMatch(end.stdout, hidden);
    });

    if (kind === 'raw') {
      it("a task's git init changes its own folder, not the repo of the hook that started the worker", async () => {
        await must('git', ['init', '-q', '--bare', join(base, 'other.git')]);
        const before = await readFile(join(base, 'other.git/config'), 'utf8');
        const end = await soil([
          'shell',
          'one',
          '-c',
          'git init -q made && cd made && git config a.b c && cat .git/config',
        ]);
        assert.equal(end.status, 0, end.stderr);
        assert.match(end.stdout, /b = c/);
        assert.equal(await readFile(join(base, 'other.git/config'), 'utf8'), before);
      });

      it('M6: neither does diagnose', async () => {
        const end = await soil(['diagnose', 'dump-env']);
        assert.equal(end.status, 0, end.stderr);
        assert.doesNotMatch(end.stdout, hidden);
        assert.doesNotMatch(end.stdout, /^(GITHUB_ENV|SOIL_TOKEN)=/m);
      });
    } else {
      it('M14: neither does the build of an image', async () => {
        const flags = [...Object.keys(stolen), 'GITHUB_ENV'].map((name) => `--build-arg=${name}`);
        await writeFile(
          join(repo, 'Containerfile'),
          `FROM ${machine.image}\n${[...Object.keys(stolen), 'GITHUB_ENV'].map((name) => `ARG ${name}`).join('\n')}\nRUN env\n`,
        );
        await writeFile(
          join(repo, 'build.yml'),
          `project: p\njobs: { built: { build: { file: Containerfile, flags: [${flags.join(', ')}] }, network: none, tasks: [{ name: look, run: env }] } }\n`,
        );
        const end = await soil(['run', 'built', '--config', 'build.yml', ...engine]);
        const log = await readFile(join(repo, '_soil/built/image-build.txt'), 'utf8').catch(() => '');
        assert.match(log + end.stdout + end.stderr, /HOME=/);
        assert.doesNotMatch(log + end.stdout + end.stderr, hidden);
      });
    }
  });
}

describe('M14: what a hostile soil.yml asks for', () => {
  const asks: Readonly<Record<string, string>> = {
    ...Object.fromEntries(
      [
        ...[
          '--privileged',
          '--volume=/:/host',
          '--pid=host',
          '--env=SOIL_TOKEN',
          '--env-host',
          '--device=/dev/sda',
        ],
        ...[
          '--security-opt=seccomp=unconfined',
          '--cap-add=ALL',
          '--userns=host',
          '--ipc=host',
          '--network=host',
        ],
        ...['--mount=type=bind,source=/,target=/h', '--env-file=/etc/shadow', '-v/:/host', '--memory=1g'],
      ].map((flag) => [`engine flag "${flag}"`, `image: x, engine-flags: ['${flag}']`]),
    ),
    'image "rootfs:/"': 'image: rootfs:/',
    'image "docker-archive:../other.tar"': 'image: docker-archive:../other.tar',
    'image "oci:link/x"': 'image: oci:link/x',
    'image "oci-archive:/root/private.tar"': 'image: oci-archive:/root/private.tar',
    'image "dir:/root/image"': 'image: dir:/root/image',
    'image "containers-storage:private"': 'image: containers-storage:private',
    'network "host"': 'image: x, network: host',
    'network "container:other"': 'image: x, network: container:other',
    'secret "DEPLOY_KEY"': 'image: x, secrets: DEPLOY_KEY',
    'build flag "--volume=/:/host"': "build: { file: C, flags: ['--volume=/:/host'] }",
    '"ptrace: true"': 'image: x, ptrace: true',
    '"git: writable"': 'image: x, git: writable',
    'the raw machine ("image: none")': 'image: none',
  };

  it('is refused in an untrusted job, whichever command runs it', async (t) => {
    const jobs = Object.values(asks).map(
      (ask, i) => `  j${i}: { ${ask}, tasks: [{ name: t, run: 'true' }] }\n`,
    );
    const repo = await makeRepo({ 'soil.yml': `project: p\njobs:\n${jobs.join('')}` });
    t.after(() => rm(repo, { recursive: true, force: true }));
    await symlink('/tmp', join(repo, 'link'));
    const env = { ...bare, DEPLOY_KEY: 'a-secret-value' };
    const names = jobs.map((_, i) => `j${i}`);
    const end = await worker(['run', ...names, '--untrusted'], { cwd: repo, env });
    assert.equal(end.status, 2);
    assert.deepEqual(
      end.stderr.trim().split('\n'),
      Object.keys(asks).map(
        (what, i) => `cannot run job "j${i}": ${what} is not allowed: the job is untrusted (--untrusted)`,
      ),
    );
    for (const [i, what] of Object.keys(asks).entries()) {
      const fork = { ...env, GITHUB_ACTIONS: 'true', GITHUB_EVENT_NAME: 'pull_request_target' };
      if (i % 4 !== 0) continue;
      for (const args of [
        ['shell', `j${i}`, '-c', 'true'],
        ['local', `j${i}`],
      ]) {
        const other = await worker(args, { cwd: repo, env: fork });
        assert.equal(other.status, 2, what);
        assert.ok(
          other.stderr.includes(`${what} is not allowed: the job is untrusted (event pull_request_target)`),
          other.stderr,
        );
      }
    }
  });
});
