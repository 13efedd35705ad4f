/** Attacks of a repo or a task on the machine of the worker, by way of files. Their names are those of the list of attacks. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { must, run, soilWorker, type CommandEnd, type CommandOptions } from './command.js';
import { makeRepo } from './git-repo.js';
import { startServer } from './soil-server.js';
import { waitUntil } from './wait-for.js';

const secretText = 'PRIVATE KEY of the machine\n';

interface Machine {
  readonly repo: string;
  /** a home folder with a file that nothing may read or change */
  readonly home: string;
  readonly secret: string;
  readonly soil: (args: readonly string[], options?: CommandOptions) => Promise<CommandEnd>;
  readonly environment: Readonly<Record<string, string>>;
}

/** Makes a repo with a soil.yml, and a home folder. `jobs` is the YAML below `jobs:`. */
async function machineOf(t: TestContext, jobs: string): Promise<Machine> {
  const home = await mkdtemp(join(tmpdir(), 'soil-home-'));
  const repo = await makeRepo({ 'soil.yml': `project: p\njobs:\n${jobs}\n` });
  t.after(() => Promise.all([home, repo].map((path) => rm(path, { recursive: true, force: true }))));
  const secret = join(home, 'secret');
  await writeFile(secret, secretText, { mode: 0o600 });
  const environment = { HOME: home, XDG_STATE_HOME: join(home, 'state'), GITHUB_ACTIONS: '', SECRET: secret };
  const soil = (args: readonly string[], options: CommandOptions = {}): Promise<CommandEnd> =>
    run(process.execPath, [soilWorker, ...args], {
      timeoutSeconds: 60,
      ...options,
      ...{ cwd: options.cwd ?? repo, env: { ...environment, ...options.env } },
    });
  return { repo, home, secret, soil, environment };
}

const rawJob = (name: string, script: string, more = ''): string =>
  `  ${name}:\n    image: none\n${more}    tasks:\n      - name: t\n        run: |\n${script.replace(/^/gm, '          ')}`;

/** Commits a submodule without `.gitmodules`, and returns its commit. */
async function addSubmodule(repo: string, path: string): Promise<string> {
  const sub = join(repo, path);
  const git = (folder: string, ...words: string[]): Promise<string> =>
    must('git', ['-C', folder, '-c', 'user.name=T', '-c', 'user.email=t@example.org', ...words]);
  await must('git', ['init', '-q', sub]);
  await git(sub, 'commit', '-q', '--allow-empty', '-m', 'first');
  const commit = (await git(sub, 'rev-parse', 'HEAD')).trim();
  await git(repo, 'update-index', '--add', '--cacheinfo', `160000,${commit},${path}`);
  await git(repo, 'commit', '-qm', 'submodule');
  return commit;
}

async function assertUntouched({ secret, home }: Machine): Promise<void> {
  assert.equal(await readFile(secret, 'utf8'), secretText);
  assert.equal((await lstat(secret)).mode & 0o7777, 0o600);
  assert.deepEqual(
    (await readdir(home)).filter((name) => !['secret', 'state'].includes(name)),
    [],
  );
}

/** No crash: a message without a stack trace. */
function assertCalm({ status, stdout, stderr }: CommandEnd): void {
  assert.notEqual(status, 70, stderr);
  assert.notEqual(status, null, `it did not end in time: ${stdout}${stderr}`);
  assert.doesNotMatch(stdout + stderr, /^ +at .*:\d+:\d+\)?$/m);
}

const wwzText = (repo: string, job: string): Promise<string> =>
  must('unzip', ['-p', join(repo, '_soil', job, `${job}.wwz`)]);

/** The folder of a job in the state of a machine. */
async function stateOf({ home }: Machine, job: string): Promise<string> {
  const jobs = join(home, 'state/soil/jobs');
  const [key = ''] = await readdir(jobs);
  return join(jobs, key, job);
}

describe('a hostile repo or task, and the files of the worker', () => {
  it('M2: the list of made files is not where a task can replace it', async (t) => {
    const script = 'ln -sf "$SECRET" .git/soil-made.json; echo x >"\\$(touch pwned)"; mkfifo .git/pipe';
    const machine = await machineOf(t, rawJob('a', script));
    assert.equal((await machine.soil(['run', 'a'])).status, 0);
    assert.equal((await machine.soil(['run', 'a', '--clean'])).status, 1, 'mkfifo fails the second time');
    await assertUntouched(machine);
    assert.deepEqual(
      (await readdir(machine.repo)).filter((name) => name.includes('pwned') && !name.startsWith('$(')),
      [],
    );
  });

  it('M2: files named by a link in the place of a made folder are not removed', async (t) => {
    const machine = await machineOf(
      t,
      rawJob('a', 'mkdir -p build; [ -e build/secret ] || echo x >build/secret'),
    );
    assert.equal((await machine.soil(['run', 'a'])).status, 0);
    await rm(join(machine.repo, 'build'), { recursive: true });
    await symlink(machine.home, join(machine.repo, 'build'));
    await machine.soil(['run', 'a', '--clean']);
    await assertUntouched(machine);
  });

  const committed: Readonly<Record<string, string>> = {
    'a committed link _soil': 'ln -s "$HOME" _soil',
    'a committed link _soil/.gitignore': 'mkdir _soil; ln -s "$HOME/secret" _soil/.gitignore',
    'a committed link _soil/JOB': 'mkdir _soil; ln -s "$HOME" _soil/a',
    'a committed link _soil/JOB/JOB.json': 'mkdir -p _soil/a; ln -s "$HOME/secret" _soil/a/a.json',
    'a committed link _soil/JOB/logs': 'mkdir -p _soil/a; ln -s "$HOME" _soil/a/logs',
    'a link _soil that leads nowhere': 'ln -s "$HOME/new" _soil',
    'a link _soil into the repo': 'mkdir src; ln -s src _soil',
    'a pipe in the place of _soil/.gitignore': 'mkdir _soil; mkfifo _soil/.gitignore',
    'a file in the place of _soil': 'echo x >_soil',
  };
  for (const [name, script] of Object.entries(committed)) {
    it(`M4: ${name} is refused before the job`, async (t) => {
      const machine = await machineOf(t, rawJob('a', 'touch ran'));
      await must('sh', ['-ec', script], { cwd: machine.repo, env: machine.environment });
      const end = await machine.soil(['run', 'a']);
      assertCalm(end);
      assert.equal(end.status, 2, end.stderr);
      assert.match(
        end.stderr,
        /^cannot use folder ".*": .*_soil.*(is a symbolic link|not a regular file|is not a directory)/m,
      );
      assert.ok(!existsSync(join(machine.repo, 'ran')), 'the job did not run');
      await assertUntouched(machine);
    });
  }

  it('M4: --out below a link in the repo is refused, and --out elsewhere may be reached through links', async (t) => {
    const machine = await machineOf(t, rawJob('a', 'true'));
    await symlink(machine.home, join(machine.repo, 'build'));
    const refused = await machine.soil(['run', 'a', '--out', 'build/out']);
    assert.equal(refused.status, 2);
    assert.match(refused.stderr, /"build" is a symbolic link/);
    const other = await mkdtemp(join(tmpdir(), 'soil-other-'));
    t.after(() => rm(other, { recursive: true, force: true }));
    await mkdir(join(other, 'real'));
    await symlink('real', join(other, 'link'));
    const allowed = await machine.soil(['run', 'a', '--out', join(other, 'link/out')]);
    assert.equal(allowed.status, 0, allowed.stderr);
    assert.ok(existsSync(join(other, 'real/out/a/a.json')));
    await assertUntouched(machine);
  });

  it('M4: a task that makes links in _soil redirects nothing, in its own job and in the next', async (t) => {
    const script =
      'rm -rf _soil; mkdir -p _soil/a; ln -s "$SECRET" _soil/.gitignore; ln -s "$HOME" _soil/a/logs\n' +
      'ln -s "$SECRET" _soil/a/a.json';
    const machine = await machineOf(t, rawJob('a', script));
    const end = await machine.soil(['run', 'a']);
    assertCalm(end);
    assert.equal(end.status, 0);
    assert.match(end.stderr, /notice: .*_soil\/\.gitignore" is a symbolic link/);
    await assertUntouched(machine);
    assert.equal((await machine.soil(['run', 'a'])).status, 2);
    await assertUntouched(machine);
  });

  it('M4: a task that replaces _soil by a link gets a notice, and the results are kept', async (t) => {
    const machine = await machineOf(t, rawJob('a', 'rm -rf _soil; ln -s "$HOME" _soil'));
    const end = await machine.soil(['run', 'a']);
    assert.equal(end.status, 0);
    assert.match(end.stderr, /notice: cannot copy the results to ".*_soil\/a": "_soil" is a symbolic link/);
    await assertUntouched(machine);
    assert.match(await readFile(join(await stateOf(machine, 'a'), 'a.json'), 'utf8'), /"outcome": "passed"/);
  });

  it('M7: links in the places of logs, copies and the control folder are not written through', async (t) => {
    const script =
      'mkdir -p _soil/a/logs _soil/a/control; ln -sf "$SECRET" _soil/a/logs/t.txt\n' +
      'ln -sf "$SECRET" _soil/a/control/copy-0; ln -sfn "$HOME" _soil/a/control/soil\n' +
      'ln -sf "$SECRET" _soil/a/image-build.txt; echo CMD';
    const machine = await machineOf(t, rawJob('a', script));
    const end = await machine.soil(['run', 'a']);
    assert.equal(end.status, 0, end.stderr);
    await assertUntouched(machine);
    const log = join(machine.repo, '_soil/a/logs/t.txt');
    assert.ok((await lstat(log)).isFile());
    assert.equal(await readFile(log, 'utf8'), 'CMD\n');
    assert.match(end.stderr, /notice: removed "_soil\/a\/logs", which a task made/);
  });

  const artifacts: Readonly<Record<string, string>> = {
    'an artifact that is a link': 'mkdir out; ln -s "$SECRET" out/x',
    'an artifact below a folder that is a link': 'ln -s "$HOME" out',
    'an artifact that is a link into the repo': 'mkdir out; cp soil.yml out/y; ln -s y out/x',
    'an artifact that is a pipe': 'mkdir out; mkfifo out/x',
    'an artifact that is a folder': 'mkdir -p out/x',
  };
  for (const [name, script] of Object.entries(artifacts)) {
    it(`M8: ${name} is not published`, async (t) => {
      const machine = await machineOf(t, rawJob('a', script, '    artifacts: [out/x]\n'));
      if (name.includes('below')) await writeFile(join(machine.home, 'x'), secretText);
      const server = await startServer();
      t.after(() => server.close());
      const env = { SOIL_SERVER: server.url, SOIL_TOKEN: server.token };
      const end = await machine.soil(['run', 'a', '--publish'], { env });
      assertCalm(end);
      assert.equal(end.status, 1, end.stdout + end.stderr);
      assert.match(
        end.stderr,
        /cannot publish artifact "x": ("out(\/x)?" is a symbolic link|not a regular file|is a directory|no such file)/,
      );
      assert.doesNotMatch(await must('grep', ['-rc', 'PRIVATE KEY', server.site]).catch(() => ''), /:[1-9]/);
    });
  }

  it('M8: artifact put refuses a link in the repo', async (t) => {
    const machine = await machineOf(t, rawJob('a', 'true'));
    await mkdir(join(machine.repo, 'out'));
    await symlink(machine.secret, join(machine.repo, 'out/x'));
    await symlink(machine.home, join(machine.repo, 'home'));
    for (const [file, link] of [
      ['out/x', 'out/x'],
      ['home/secret', 'home'],
    ] as const) {
      const end = await machine.soil(['artifact', 'put', file, '--server', 'http://127.0.0.1:9']);
      assert.equal(end.status, 2);
      assert.match(end.stderr, new RegExp(`cannot publish "${file}": "${link}" is a symbolic link`));
    }
  });

  it('M8: results are never read through a link, whatever they are called', async (t) => {
    const script =
      'mkdir real; echo fine >real/f.txt; ln -s "$SECRET" one; ln -s "$HOME" many; ln -s real inner; mkfifo pipe\n' +
      'ln -s "$SECRET" real/link.txt';
    const results =
      '        results: [one, many, many/, "many/*", "**/secret", inner/f.txt, pipe, "real/*.txt"]\n';
    const machine = await machineOf(t, `${rawJob('a', script)}\n${results}`);
    const end = await machine.soil(['run', 'a']);
    assert.equal(end.status, 0, end.stderr);
    const names = await must('unzip', ['-Z1', join(machine.repo, '_soil/a/a.wwz')]);
    assert.deepEqual(
      names.split('\n').filter((name) => /one|many|inner|pipe|real|secret/.test(name)),
      ['real/f.txt'],
    );
    assert.doesNotMatch(await wwzText(machine.repo, 'a'), /PRIVATE KEY/);
    assert.match(end.stderr, /result "one": "one" is a symbolic link/);
    assert.match(end.stderr, /result "inner\/f.txt": "inner" is a symbolic link/);
  });

  it('results named q{1,2}.txt, (p).txt and [x] are found', async (t) => {
    const script = 'echo 1 >"q{1,2}.txt"; echo 2 >"(p).txt"; mkdir "[x]"; echo 3 >"[x]/y"; echo 4 >"!z"';
    const results = `        results: ['q{1,2}.txt', '(p).txt', '[x]', '!z']\n`;
    const machine = await machineOf(t, `${rawJob('a', script)}\n${results}`);
    const end = await machine.soil(['run', 'a']);
    assert.equal(end.status, 0, end.stderr);
    const names = (await must('unzip', ['-Z1', join(machine.repo, '_soil/a/a.wwz')])).split('\n');
    for (const name of ['q{1,2}.txt', '(p).txt', '[x]/y', '!z']) assert.ok(names.includes(name), name);
  });

  it('M11: what another job writes to _soil is not what publish sends', async (t) => {
    const forge =
      'for f in _soil/good/good.json _soil/good/good.tsv; do sed "s/failed/passed/g" "$f" >x; cp x "$f"; done';
    const machine = await machineOf(
      t,
      `${rawJob('good', 'echo real; exit 1', '    artifacts: [soil.yml]\n')}\n${rawJob('forger', forge)}`,
    );
    assert.equal((await machine.soil(['run', 'good'])).status, 1);
    assert.equal((await machine.soil(['run', 'forger'])).status, 0);
    // The list of artifacts is that of the run too.
    await writeFile(join(machine.repo, 'private.txt'), secretText);
    const yaml = await readFile(join(machine.repo, 'soil.yml'), 'utf8');
    await writeFile(join(machine.repo, 'soil.yml'), yaml.replace('[soil.yml]', '[private.txt]'));
    const server = await startServer();
    t.after(() => server.close());
    const env = { SOIL_SERVER: server.url, SOIL_TOKEN: server.token };
    const sent = await machine.soil(['publish', 'good'], { env });
    assert.equal(sent.status, 0, sent.stderr);
    const stored = (await readdir(server.site, { recursive: true })).filter((name) =>
      name.endsWith('good.json'),
    );
    assert.ok(stored.length > 0);
    const texts = await Promise.all(stored.map((name) => readFile(join(server.site, name), 'utf8')));
    assert.doesNotMatch(texts.join(''), /"passed"/);
    assert.match(texts.join(''), /"outcome": "failed"/);
    assert.match(sent.stdout, /soil\.yml/);
    assert.doesNotMatch(sent.stdout, /private/);
  });

  it('M11: publish needs no _soil, and reads none', async (t) => {
    const machine = await machineOf(t, rawJob('a', 'echo real'));
    assert.equal((await machine.soil(['run', 'a', '--out', 'results'])).status, 0);
    await rm(join(machine.repo, 'results'), { recursive: true });
    const server = await startServer();
    t.after(() => server.close());
    const env = { SOIL_SERVER: server.url, SOIL_TOKEN: server.token };
    assert.equal((await machine.soil(['publish', 'a', '--out', 'results'], { env })).status, 0);
    const other = await machine.soil(['publish', 'a'], { env });
    assert.equal(other.status, 2);
    assert.match(other.stderr, /cannot publish job "a": .*Run the job first/);
  });

  for (const name of ['soil.yml', 'other.yml', 'list.txt']) {
    it(`M12: a pipe in the place of ${name} does not make the worker wait`, async (t) => {
      const machine = await machineOf(t, rawJob('a', 'true'));
      await rm(join(machine.repo, name), { force: true });
      await must('mkfifo', [join(machine.repo, name)]);
      const option =
        { 'soil.yml': [], 'other.yml': ['--config', name], 'list.txt': ['--tasks', name] }[name] ?? [];
      for (const command of ['run', 'shell']) {
        const words = command === 'shell' ? ['-c', 'true'] : [];
        if (command !== 'run' && name === 'list.txt') continue;
        const end = await machine.soil([command, 'a', ...option, ...words], { timeoutSeconds: 30 });
        assert.equal(end.status, 2, `${command}: ${end.stderr}`);
        assert.match(end.stderr, new RegExp(`cannot read .*"${name}": not a regular file`));
      }
    });
  }

  it('M12: a soil.yml that is a link out of the repo is refused, one that stays in it is read', async (t) => {
    const machine = await machineOf(t, rawJob('a', 'true'));
    const yaml = join(machine.repo, 'soil.yml');
    await must('mv', [yaml, join(machine.repo, 'ci.yml')]);
    await symlink('ci.yml', yaml);
    assert.equal((await machine.soil(['run', 'a'])).status, 0);
    await rm(yaml);
    await symlink(machine.secret, yaml);
    const end = await machine.soil(['run', 'a']);
    assert.equal(end.status, 2);
    assert.match(end.stderr, /cannot read "soil.yml": it leads out of "/);
    assert.doesNotMatch(end.stderr, /PRIVATE/);
  });

  it('M12: a pipe among the objects of a repository does not make the worker wait', async (t) => {
    const machine = await machineOf(t, rawJob('a', 'true'));
    const { repo, soil } = machine;
    const commit = await addSubmodule(repo, 'sub');
    for (const name of [`${commit.slice(0, 2)}/${commit.slice(2)}`, `pack/pack-${'1'.repeat(40)}.idx`]) {
      for (const git of ['sub/.git', '.git']) {
        const script =
          'mkdir -p "$(dirname "$1")"; rm -f "$1"; mkfifo "$1.pipe"; ln -s "$(basename "$1").pipe" "$1"';
        const path = join(repo, git, 'objects', name);
        await must('sh', ['-ec', script, 'sh', path]);
        const end = await soil(['run', 'a'], { timeoutSeconds: 30 });
        assertCalm(end);
        assert.match(end.stderr, /is a named pipe|neither a file nor a folder/);
        await must('rm', ['-f', path, `${path}.pipe`]);
      }
    }
  });

  it('M12: links that lead from submodule to submodule are not followed without end', async (t) => {
    const machine = await machineOf(t, rawJob('a', 'true'));
    const { repo } = machine;
    const commit = await addSubmodule(repo, 'sub');
    const git = (folder: string, ...words: string[]): Promise<string> =>
      must('git', ['-C', folder, ...words]);
    // Each has two ways to the next: the number of ways doubles with each.
    for (const name of ['a', 'b'])
      await git(join(repo, 'sub'), 'update-index', '--add', '--cacheinfo', `160000,${commit},${name}`);
    for (let i = 0; i < 25; i++) {
      const folder = i === 0 ? join(repo, 'sub') : join(repo, `x/${i}`);
      if (i > 0) {
        await mkdir(folder, { recursive: true });
        await must('cp', ['-r', join(repo, 'sub/.git'), join(folder, '.git')]);
      }
      for (const name of ['a', 'b']) await symlink(join(repo, `x/${i + 1}`), join(folder, name));
    }
    const end = await machine.soil(['run', 'a'], { timeoutSeconds: 30 });
    assertCalm(end);
    assert.equal(end.status, 0, end.stderr);
    assert.match(end.stderr, /notice: 25 uncommitted changes:/);
  });

  it('M12: folders in the places of the job’s files give a notice and a record', async (t) => {
    const script =
      'mkdir -p _soil/a/a.json/deep _soil/a/a.wwz _soil/a/a.tsv; echo x >_soil/a/logs; mkfifo _soil/a/image-build.txt';
    const machine = await machineOf(t, rawJob('a', script));
    const end = await machine.soil(['run', 'a']);
    assertCalm(end);
    assert.equal(end.status, 0, end.stderr);
    assert.match(end.stderr, /notice: removed "_soil\/a\/a.json", which a task made/);
    assert.match(await readFile(join(machine.repo, '_soil/a/a.json'), 'utf8'), /"outcome": "passed"/);
    assert.equal((await machine.soil(['run', 'a'])).status, 0, 'the next run works');
  });

  it('M12: a file in the place of _soil, and a repo that a task removes, end with the results in the state', async (t) => {
    const machine = await machineOf(
      t,
      `${rawJob('a', 'rm -rf _soil; echo x >_soil')}\n${rawJob('b', 'rm -rf soil.yml .git')}`,
    );
    const end = await machine.soil(['run', 'a']);
    assertCalm(end);
    assert.match(end.stderr, /notice: cannot copy the results to /);
    await rm(join(machine.repo, '_soil'));
    const gone = await machine.soil(['run', 'b']);
    assertCalm(gone);
    assert.ok(existsSync(join(await stateOf(machine, 'b'), 'b.json')));
  });

  it('M4: init, archive, extract and artifact get write through no link of the repo', async (t) => {
    const machine = await machineOf(t, rawJob('a', 'true'));
    const { repo, home, soil } = machine;
    await mkdir(join(repo, 'folder'));
    await writeFile(join(repo, 'folder/x'), 'x');
    await symlink(home, join(repo, 'out'));
    await symlink(home, join(repo, '.github'));
    await symlink(machine.secret, join(repo, '.build.yml'));
    await must('sh', ['-c', 'rm soil.yml; ln -s "$SECRET" soil.yml; mkfifo package.json'], {
      ...{ cwd: repo, env: machine.environment },
    });
    assert.equal((await soil(['archive', 'folder', '-o', 'folder.wwz'])).status, 0);
    for (const [words, message] of [
      [['archive', 'folder', '-o', 'out/secret'], /cannot write "out\/secret": "out" is a symbolic link/],
      [['extract', 'folder.wwz', 'out/new'], /cannot write "out\/new": "out" is a symbolic link/],
      [
        ['artifact', 'get', 'x', '-o', 'out/secret', '--server', 'http://127.0.0.1:9'],
        /cannot write "out\/secret": "out" is a symbolic link/,
      ],
      [['init', '--force'], /cannot write ".*\.github\/workflows\/soil\.yml": "\.github" is a symbolic link/],
    ] as const) {
      const end = await soil(words);
      assertCalm(end);
      assert.match(end.stderr, message);
      await assertUntouched(machine);
    }
  });

  it('M15: a job runs twice in one checkout, with every file that it left the first time', async (t) => {
    const machine = await machineOf(
      t,
      rawJob('a', 'echo x >made; mkdir -p build/deep', '    artifacts: [soil.yml]\n'),
    );
    for (const words of [[], [], ['--clean'], ['--out', 'o'], ['--out', 'o']]) {
      const end = await machine.soil(['run', 'a', ...words]);
      assert.equal(end.status, 0, `${words.join(' ')}: ${end.stderr}`);
    }
    for (const round of [1, 2]) {
      const local = await machine.soil(['local', 'a']);
      assert.equal(local.status, 0, `${round}: ${local.stderr}`);
      assert.equal(
        await readFile(join(machine.repo, '_soil/a/artifacts/soil.yml'), 'utf8'),
        await readFile(join(machine.repo, 'soil.yml'), 'utf8'),
      );
    }
  });
});

describe("the worker's state", () => {
  const refusals: readonly (readonly [
    string,
    (machine: Machine) => Promise<Record<string, string>>,
    RegExp,
  ])[] = [
    [
      'HOME is not set',
      () => Promise.resolve({ HOME: '', XDG_STATE_HOME: '' }),
      /HOME is not set\. Set XDG_STATE_HOME to a folder of yours outside the repo/,
    ],
    [
      'XDG_STATE_HOME is relative',
      () => Promise.resolve({ XDG_STATE_HOME: 'state' }),
      /cannot accept XDG_STATE_HOME "state": it is not an absolute path/,
    ],
    [
      'it would be in the repo',
      ({ repo }) => Promise.resolve({ XDG_STATE_HOME: join(repo, 'deep/state') }),
      /it is in the repo ".*", where tasks could change it\. Set XDG_STATE_HOME/,
    ],
    [
      'it is in the repo through a link',
      async ({ home, repo }) => {
        await symlink(repo, join(home, 'state'));
        return {};
      },
      /it is in the repo ".*"/,
    ],
    [
      'it is a link',
      async ({ home }) => {
        await mkdir(join(home, 'state'));
        await mkdir(join(home, 'elsewhere'), { mode: 0o700 });
        await symlink('../elsewhere', join(home, 'state/soil'));
        return {};
      },
      /it is a symbolic link/,
    ],
    [
      'others can read it',
      async ({ home }) => {
        await mkdir(join(home, 'state/soil'), { recursive: true });
        await chmod(join(home, 'state/soil'), 0o750);
        return {};
      },
      /other users have access to it\. Run: chmod 700 "/,
    ],
    [
      'it is a file',
      async ({ home }) => {
        await mkdir(join(home, 'state'));
        await writeFile(join(home, 'state/soil'), '');
        return {};
      },
      /it is not a folder/,
    ],
  ];
  for (const [name, prepare, message] of refusals) {
    it(`is refused if ${name}`, async (t) => {
      const machine = await machineOf(t, rawJob('a', 'touch ran'));
      const end = await machine.soil(['run', 'a'], { env: await prepare(machine) });
      assert.equal(end.status, 2, end.stderr);
      assert.match(end.stderr, message);
      assert.ok(!existsSync(join(machine.repo, 'ran')));
      assert.ok(!existsSync(join(machine.repo, 'deep')));
    });
  }

  it('lies in ~/.local/state, only for its user, and the umask holds for all that the worker makes', async (t) => {
    const machine = await machineOf(t, rawJob('a', 'echo x; exit 1', '    artifacts: [soil.yml]\n'));
    const script = `umask 027; exec "$0" "$1" run a`;
    const end = await run('sh', ['-c', script, process.execPath, soilWorker], {
      ...{ cwd: machine.repo, env: { ...machine.environment, XDG_STATE_HOME: '' } },
    });
    assert.equal(end.status, 1, end.stderr);
    const state = join(machine.home, '.local/state/soil');
    assert.equal((await stat(state)).mode & 0o777, 0o700);
    for (const root of [state, join(machine.repo, '_soil')]) {
      const names = await readdir(root, { recursive: true });
      assert.ok(
        names.some((name) => name.endsWith('a/logs/t.txt')),
        root,
      );
      for (const name of names) {
        const { mode } = await lstat(join(root, name));
        assert.equal(mode & 0o7027, 0, `${name} has mode ${(mode & 0o7777).toString(8)}`);
      }
    }
  });

  it('forgets repos that no longer exist, and keeps the results of others', async (t) => {
    const machine = await machineOf(t, rawJob('a', 'true'));
    const gone = await makeRepo({ 'soil.yml': `project: p\njobs:\n${rawJob('b', 'true')}\n` });
    t.after(() => rm(gone, { recursive: true, force: true }));
    assert.equal((await machine.soil(['run', 'b'], { cwd: gone })).status, 0);
    assert.equal((await machine.soil(['run', 'a'])).status, 0);
    const state = join(machine.home, 'state/soil');
    assert.equal((await readdir(join(state, 'jobs'))).length, 2);
    await rm(gone, { recursive: true });
    assert.equal((await machine.soil(['run', 'a'])).status, 0);
    assert.equal((await readdir(join(state, 'jobs'))).length, 1);
    assert.equal((await readdir(join(state, 'repos'))).length, 1);
    assert.ok(existsSync(join(await stateOf(machine, 'a'), 'a.json')));
  });
});

describe('the same job twice in one checkout', () => {
  const start = async (machine: Machine, prefix: readonly string[] = []) => {
    const words = [...prefix, process.execPath, soilWorker, 'run', 'a'];
    const child = spawn(words[0] ?? '', words.slice(1), {
      ...{ cwd: machine.repo, env: { ...process.env, ...machine.environment }, stdio: 'ignore' },
    });
    await waitUntil('the task runs', () => existsSync(join(machine.repo, 'began')));
    return child;
  };
  const slow = rawJob('a', 'echo $$ >began; while [ ! -e go ]; do sleep 0.05; done; echo done');

  it('the second is refused with one sentence, and the first has its record and its log', async (t) => {
    const machine = await machineOf(t, slow);
    const first = await start(machine);
    t.after(() => first.kill('SIGKILL'));
    const second = await machine.soil(['run', 'a']);
    assert.equal(second.status, 2);
    assert.match(
      second.stderr,
      new RegExp(`^cannot run job "a": process ${first.pid} is running it in ".*/_soil"\n$`, 'm'),
    );
    await writeFile(join(machine.repo, 'go'), '');
    const [status] = (await once(first, 'exit')) as [number];
    assert.equal(status, 0);
    assert.equal(await readFile(join(machine.repo, '_soil/a/logs/t.txt'), 'utf8'), 'done\n');
  });

  it('of ten started together, one runs and the others are refused', async (t) => {
    const machine = await machineOf(t, rawJob('a', 'sleep 2'));
    const ends = await Promise.all(Array.from({ length: 10 }, () => machine.soil(['run', 'a'])));
    for (const end of ends) assertCalm(end);
    const refused = ends.filter(({ status }) => status === 2);
    assert.ok(ends.some(({ status }) => status === 0));
    assert.ok(refused.length > 0);
    for (const { stderr } of refused) assert.match(stderr, /^cannot run job "a": process \d+ is running it/);
  });

  it('the lock of a worker that was killed, and that nobody reaped, counts as free', async (t) => {
    const machine = await machineOf(t, slow);
    // The shell starts the worker, and then waits for nothing.
    const parent = await start(machine, ['sh', '-c', '"$@" & echo $! >worker; exec sleep 600', 'sh']);
    t.after(() => parent.kill('SIGKILL'));
    const worker = Number(await readFile(join(machine.repo, 'worker'), 'utf8'));
    process.kill(worker, 'SIGKILL');
    await waitUntil('it is a zombie', async () =>
      /^State:\s+Z/m.test(await readFile(`/proc/${worker}/status`, 'utf8')),
    );
    await writeFile(join(machine.repo, 'go'), '');
    const next = await machine.soil(['run', 'a']);
    assert.equal(next.status, 0, next.stderr);
    assert.match(await readFile(`/proc/${worker}/status`, 'utf8'), /^State:\s+Z/m);
  });
});
