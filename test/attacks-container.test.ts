/** Attacks of tasks in containers on the machine of the worker, by way of files; and a machine without /proc. */
import assert from 'node:assert/strict';
import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { restoreOwnership } from '../worker/runner/restore-ownership.js';
import { must, repoRoot, run, soilWorker } from './command.js';
import { openEngine, type TestEngine } from './engines.js';
import { makeRepo } from './git-repo.js';
import { jobYaml, runJobYaml } from './job-fixture.js';

const secretText = 'PRIVATE KEY of the machine\n';

describe('a hostile task in a container', () => {
  let engine: TestEngine;
  before(async () => {
    engine = await openEngine('podman');
  });
  after(() => engine.close());

  it('M13: a setuid program, also in a folder that nobody may enter, and a device are harmless afterwards', async (t) => {
    const tasks = `
- name: leave
  run: |
    mkdir -p out/deep
    cp /bin/busybox out/id; cp out/id out/deep/id; cp out/id out/plain
    bytes=$(printf 'out/\\377'); cp out/id "$bytes"
    chmod 6755 out/id out/deep/id "$bytes"; chmod 4711 out/id
    echo x >out/data; chmod 6644 out/data
    mknod out/disk b 8 0; chmod 666 out/disk; mknod out/deep/null c 1 3
    chmod 0 out/deep`;
    const more = "engine-flags: ['--cap-add=MKNOD']";
    const job = await runJobYaml(t, engine, jobYaml(engine, tasks, more));
    assert.equal(job.status, 0, job.output);
    const found = await must('find', [
      ...[join(job.repo, 'out'), '(', '-type', 'f', '-perm', '/7000', ')'],
      ...['-o', '-type', 'b', '-o', '-type', 'c'],
    ]);
    assert.equal(found, '');
    assert.equal((await lstat(join(job.repo, 'out/id'))).mode & 0o7777, 0o711);
    assert.equal((await lstat(join(job.repo, 'out/plain'))).mode & 0o111, 0o111);
    assert.match(
      job.output,
      /notice: removed ".*out\/disk": it is a device, which works outside the container too/,
    );
  });

  it('M13: a program loses its capabilities, and older files are left as they are', async (t) => {
    const repo = await makeRepo({});
    t.after(() => rm(repo, { recursive: true, force: true }));
    for (const name of ['old', 'new']) await must('cp', ['/bin/busybox', join(repo, name)]);
    await must('setcap', ['cap_setuid+ep', join(repo, 'new')]);
    await chmod(join(repo, 'old'), 0o4755);
    const getcap = async (): Promise<string> => must('getcap', [join(repo, 'new')]);
    assert.match(await getcap(), /cap_setuid/);
    const { program } = { program: 'podman' as const };
    const options = { repo, engine: { program, environment: process.env }, imageArgs: [engine.image] };
    // Files that changed before the job are not its own.
    assert.deepEqual(await restoreOwnership({ ...options, since: Date.now() + 60_000 }), []);
    assert.match(await getcap(), /cap_setuid/);
    assert.deepEqual(await restoreOwnership({ ...options, since: 0 }), []);
    assert.equal(await getcap(), '');
    assert.equal((await lstat(join(repo, 'old'))).mode & 0o7777, 0o755);
  });

  it('M7, M8, M11: a container sees neither the state nor the files behind its links', async (t) => {
    const home = await mkdtemp(join(tmpdir(), 'soil-home-'));
    t.after(() => rm(home, { recursive: true, force: true }));
    const secret = join(home, 'secret');
    await writeFile(secret, secretText, { mode: 0o600 });
    const tasks = `
- name: t
  results: [leak, 'many/*', fine.txt]
  run: |
    ! ls ${home} 2>/dev/null
    ln -s ${secret} leak; ln -s ${home} many; echo fine >fine.txt
    rm -rf _soil; mkdir -p _soil/job/logs; ln -s ${secret} _soil/job/logs/t.txt; ln -s ${secret} _soil/job/job.json
    echo CMD`;
    const env = { XDG_STATE_HOME: join(home, 'state') };
    const job = await runJobYaml(t, engine, jobYaml(engine, tasks, 'artifacts: [leak]'), { env });
    assert.equal(job.status, 0, job.output);
    assert.equal(await readFile(secret, 'utf8'), secretText);
    assert.equal(await job.log('t'), 'CMD\n');
    const all = await must('unzip', ['-p', join(job.out, 'job.wwz')]);
    assert.doesNotMatch(all + job.output, /PRIVATE KEY/);
    assert.match(job.output, /cannot store artifact "leak": "leak" is a symbolic link/);
    const stored = await must('grep', ['-rl', 'PRIVATE KEY', join(home, 'state')]).catch(() => '');
    assert.equal(stored, '');
  });

  it('M9: a build context that is a committed link to the home folder is refused', async (t) => {
    const home = await mkdtemp(join(tmpdir(), 'soil-home-'));
    t.after(() => rm(home, { recursive: true, force: true }));
    await mkdir(join(home, '.ssh'));
    await writeFile(join(home, '.ssh/id_rsa'), secretText);
    const yaml = (build: string): string =>
      `project: p\njobs:\n  job:\n    build: ${build}\n    tasks:\n      - {name: t, run: 'cat /key'}\n`;
    const repo = await makeRepo({
      Containerfile: `FROM ${engine.image}\nCOPY .ssh/id_rsa /key\n`,
      'soil.yml': yaml('{file: Containerfile, context: ctx}'),
    });
    t.after(() => rm(repo, { recursive: true, force: true }));
    await symlink(home, join(repo, 'ctx'));
    await symlink(join(home, '.ssh/id_rsa'), join(repo, 'file'));
    const env = { ...engine.environment, HOME: home, GITHUB_ACTIONS: '' };
    const soil = () =>
      run(process.execPath, [soilWorker, 'run', 'job', '--engine', 'podman'], { cwd: repo, env });
    for (const build of ['{file: Containerfile, context: ctx}', '{file: file, context: .}']) {
      await writeFile(join(repo, 'soil.yml'), yaml(build));
      const end = await soil();
      assert.equal(end.status, 125, end.stdout + end.stderr);
      assert.match(
        end.stdout,
        /cannot build image ".*": cannot use "(ctx|file)" for a build: it leads out of "/,
      );
      assert.doesNotMatch(end.stdout + end.stderr, /PRIVATE/);
    }
  });

  it('M15: a job that builds its image runs twice in one checkout', async (t) => {
    const repo = await makeRepo({
      Containerfile: `FROM ${engine.image}\nRUN echo built\n`,
      'soil.yml':
        'project: p\njobs:\n  job:\n    build: {file: Containerfile, context: .}\n    network: none\n' +
        "    tasks:\n      - {name: t, run: 'true'}\n",
    });
    t.after(() => rm(repo, { recursive: true, force: true }));
    for (const round of [1, 2]) {
      const end = await run(process.execPath, [soilWorker, 'run', 'job', '--engine', 'podman'], {
        ...{ cwd: repo, env: { ...engine.environment, GITHUB_ACTIONS: '' } },
      });
      assert.equal(end.status, 0, `${round}: ${end.stdout}${end.stderr}`);
      assert.ok((await readdir(join(repo, '_soil/job'))).includes('image-build.txt'));
    }
  });
});

describe('a machine without /proc', () => {
  const hidden = (...command: readonly string[]) =>
    run('unshare', ['--mount', 'sh', '-c', 'mount -t tmpfs none /proc && exec "$@"', 'sh', ...command], {
      cwd: repoRoot,
      // The tests in it report to nobody else.
      env: { GITHUB_ACTIONS: '', NODE_TEST_CONTEXT: undefined },
    });

  it('jobs whose tasks share files with the worker are refused', async (t) => {
    const repo = await makeRepo({
      'soil.yml':
        "project: p\njobs:\n  job:\n    image: none\n    tasks:\n      - {name: t, run: 'touch ran'}\n",
    });
    t.after(() => rm(repo, { recursive: true, force: true }));
    const end = await hidden(
      'sh',
      '-c',
      'cd "$1" && exec "$2" "$3" run job',
      'sh',
      repo,
      process.execPath,
      soilWorker,
    );
    assert.equal(end.status, 2, end.stderr);
    assert.match(
      end.stderr,
      /^cannot run job "job": this machine has no \/proc\/self\/fd, without which a task /,
    );
    assert.ok(!(await readdir(repo)).includes('ran'));
  });

  it('UntrustedFolder follows no link there either', async () => {
    const names =
      'reads files|follows no link|neither waits|replaces a link|no right to run|walkFolder|resolveInside';
    const file = join(repoRoot, 'dist/files/untrusted-folder.test.js');
    const end = await hidden(process.execPath, '--test', '--test-name-pattern', names, file);
    assert.equal(end.status, 0, end.stdout + end.stderr);
    assert.match(end.stdout, /pass 7\b/);
  });
});
