import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { must, worker } from './command.js';
import { makeRepo } from './git-repo.js';

const bare = { GITHUB_ACTIONS: undefined, SOIL_SERVER: undefined, JOB_ID: undefined };

/** Small real projects whose tools are installed: what init writes for them must run. */
const projects: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  make: {
    Makefile: 'hello: hello.c\n\t$(CC) -o $@ hello.c\ncheck: hello\n\t./hello\n',
    'hello.c': '#include <stdio.h>\nint main(void) { return puts("hello") < 0; }\n',
  },
  node: {
    'package.json': JSON.stringify({ name: 'x', version: '1.0.0', scripts: { test: 'node --test' } }),
    'package-lock.json': JSON.stringify({
      ...{ name: 'x', version: '1.0.0', lockfileVersion: 3, requires: true },
      packages: { '': { name: 'x', version: '1.0.0' } },
    }),
    'a.test.js': "require('node:test').test('a', () => {});\n",
  },
};

for (const [name, files] of Object.entries(projects)) {
  test(`init for a ${name} project writes a soil.yml that list-jobs reads and whose tasks pass`, async (t) => {
    const repo = await makeRepo(files);
    t.after(() => rm(repo, { recursive: true, force: true }));
    const end = await worker(['init'], { cwd: repo, env: bare });
    assert.equal(end.status, 0, end.stderr);
    assert.equal(end.stdout, 'wrote soil.yml\nwrote .github/workflows/soil.yml\nwrote .builds/soil.yml\n');
    const listed = await worker(['list-jobs'], { cwd: repo, env: bare });
    assert.deepEqual([listed.status, listed.stdout], [0, `${name}\n`]);
    const ran = await worker(['run', name, '--image', 'none'], { cwd: repo, env: bare });
    assert.equal(ran.status, 0, ran.stdout + ran.stderr);
    assert.match(ran.stdout, /passed .* os-info\n/);
    assert.match(ran.stdout, name === 'make' ? /passed .* check\n/ : /passed .* test\n/);
    // sourcehut runs a shell script: with `echo` instead of soil-worker it prints the commands.
    const manifest = parse(await readFile(join(repo, '.builds', 'soil.yml'), 'utf8')) as {
      tasks: { jobs: string }[];
    };
    const script = (manifest.tasks[0]?.jobs ?? '')
      .replace(/^(cd|npm install) .*$/gm, '')
      .replace('~/.soil-ci/bin/soil-worker', 'echo');
    const shell = spawnSync('sh', ['-eu', '-c', script], {
      encoding: 'utf8',
      env: { ...process.env, HOME: repo },
    });
    assert.deepEqual([shell.status, shell.stdout.trim()], [0, `run ${name}`], shell.stderr);
  });
}

test('init overwrites nothing without --force, and writes a workflow for the jobs of the existing soil.yml', async (t) => {
  const own = 'project: p\njobs: { mine: { image: none, tasks: [{ name: a, run: x }] } }\n';
  const repo = await makeRepo({ 'soil.yml': own, Makefile: 'all:\n' });
  t.after(() => rm(repo, { recursive: true, force: true }));
  const init = (...args: string[]) => worker(['init', ...args], { cwd: repo, env: bare });
  const end = await init('--no-sourcehut');
  assert.equal(end.status, 1);
  assert.equal(end.stderr, 'kept soil.yml: it exists. To overwrite it, use --force\n');
  assert.equal(end.stdout, 'wrote .github/workflows/soil.yml\n');
  assert.equal(await readFile(join(repo, 'soil.yml'), 'utf8'), own);
  assert.match(
    await readFile(join(repo, '.github', 'workflows', 'soil.yml'), 'utf8'),
    /soil-worker run mine /,
  );
  await writeFile(join(repo, '.github', 'workflows', 'soil.yml'), 'mine\n');
  assert.equal((await init()).status, 1);
  assert.equal(await readFile(join(repo, '.github', 'workflows', 'soil.yml'), 'utf8'), 'mine\n');
  assert.equal((await init('--force')).status, 0);
  assert.match(await readFile(join(repo, 'soil.yml'), 'utf8'), /^ {2}make:$/m);
});

test('init on a topic branch writes a gate that moves main', async (t) => {
  const repo = await makeRepo({ Makefile: 'all:\n' });
  t.after(() => rm(repo, { recursive: true, force: true }));
  const git = (...args: string[]) => must('git', ['-C', repo, ...args]);
  const targetOf = async (): Promise<string> => {
    const end = await worker(['init', '--dry-run', '--no-github', '--no-sourcehut'], {
      cwd: repo,
      env: bare,
    });
    return /^ {2}to: (.*)$/m.exec(end.stdout)?.[1] ?? end.stderr;
  };
  await git('checkout', '-q', '-b', 'topic');
  assert.equal(await targetOf(), 'main');
  await git('branch', '-m', 'main', 'trunk');
  assert.equal(await targetOf(), 'topic', 'the main branch is unknown');
  await git('branch', '-m', 'trunk', 'master');
  assert.equal(await targetOf(), 'master');
});

test('init prints a notice if it does not recognize the kind of project', async (t) => {
  const repo = await makeRepo({ 'build.sh': 'echo\n' });
  t.after(() => rm(repo, { recursive: true, force: true }));
  const init = (...args: string[]) => worker(['init', ...args], { cwd: repo, env: bare });
  const end = await init();
  assert.equal(end.status, 0);
  assert.match(
    end.stderr,
    /^notice: no known build file at the root of the repo, so job "look" only lists it\. /,
  );
  assert.doesNotMatch((await init('--dry-run')).stderr, /notice/, 'the repository has a soil.yml by now');
});

test('init --dry-run prints all files and writes none; an invalid soil.yml is reported with its line', async (t) => {
  const repo = await makeRepo({ 'go.mod': 'module x\ngo 1.22\n' });
  t.after(() => rm(repo, { recursive: true, force: true }));
  await must('git', ['-C', repo, 'branch', '-m', 'trunk']);
  const end = await worker(['init', '--dry-run'], { cwd: repo, env: bare });
  assert.equal(end.status, 0, end.stderr);
  assert.match(
    end.stdout,
    /^--- soil\.yml\n[^]*golang:1\.22[^]*to: trunk[^]*^--- \.github\/workflows\/soil\.yml$[^]*^--- \.builds\/soil\.yml$/m,
  );
  assert.deepEqual((await readdir(repo)).sort(), ['.git', 'go.mod']);
  await writeFile(join(repo, 'soil.yml'), 'project: p\njobs: 5\n');
  await mkdir(join(repo, 'sub'));
  const broken = await worker(['init'], { cwd: join(repo, 'sub'), env: bare });
  assert.equal(broken.status, 2);
  assert.match(broken.stderr, /^soil\.yml:2:7: cannot accept jobs/);
});

test('init tells editors where the schema is: on the server, or in the installed package', async (t) => {
  const repo = await makeRepo({ Makefile: 'all:\n' });
  t.after(() => rm(repo, { recursive: true, force: true }));
  const firstLine = async (args: readonly string[], env: object): Promise<string> => {
    const end = await worker(['init', '--dry-run', ...args], { cwd: repo, env: { ...bare, ...env } });
    return end.stdout.split('\n')[1] ?? end.stderr;
  };
  const comment = '# yaml-language-server: $schema=';
  assert.match(await firstLine([], {}), /^# The jobs that soil-worker runs/);
  const url = 'https://ci.example.org/oils';
  const schema = `${comment}${url}/web/schema/soil.schema.json`;
  assert.equal(await firstLine(['--server', url], {}), schema);
  assert.equal(await firstLine([], { SOIL_SERVER: url }), schema);
  const folder = join(repo, 'node_modules', 'soil-ci', 'schema');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'soil.schema.json'), '{}');
  assert.equal(await firstLine([], {}), `${comment}node_modules/soil-ci/schema/soil.schema.json`);
  const end = await worker(['init', '--server', 'ftp://x'], { cwd: repo, env: bare });
  assert.equal(end.status, 2);
  assert.match(end.stderr, /^cannot accept --server "ftp:\/\/x": it must start with http/);
});
