/** git in a container: a layer over every kind of repository, and the repository of the machine stays as it was. */
import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { must, run, worker, type CommandEnd } from './command.js';
import { openDocker, openEngine, type TestEngine } from './engines.js';
import { openRootless, type RootlessEngine } from './rootless.js';

/** Commits, branches, packs and repairs; then a second container, since `--kill` ends the first, sees all of it. */
const work = `set -eu
git() { command /usr/bin/git -c user.name=T -c user.email=t@example.org "$@"; }
git log --format=%s -1
git status --porcelain
echo more >>a.txt
git commit -qam 'of the task'
git branch side
git gc -q
git fsck --connectivity-only
git log --format=%s`;

const flags = ['/usr:/usr:ro', '/usr/lib:/lib:ro', '/usr/lib64:/lib64:ro']
  .map((volume) => `'--volume=${volume}'`)
  .join(', ');

const soilYml = (image: string, more = ''): string => `project: p
jobs:
  job:
    image: ${image}
    pull: never
    network: none
    engine-flags: [${flags}]
${more}    tasks:
      - name: work
        run: |
${work.replace(/^/gm, '          ')}
      - { name: slow, run: 'sleep 60', timeout: 1s, grace: 0s, allow-failure: true }
      - { name: later, run: '/usr/bin/git log --format=%s; /usr/bin/git branch --list side; /usr/bin/git rev-parse --show-toplevel' }
`;

interface Place {
  /** the working tree in which the job runs */
  readonly repo: string;
  /** a folder that must stay as it is */
  readonly keep: string;
}

const git = (folder: string, ...args: string[]): Promise<string> =>
  must('git', ['-C', folder, '-c', 'protocol.file.allow=always', ...args]);

async function makeRepo(folder: string, yaml: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  await git(folder, 'init', '-q', '-b', 'main');
  await git(folder, 'config', 'user.name', 'Test');
  await git(folder, 'config', 'user.email', 'test@example.org');
  await writeFile(join(folder, 'a.txt'), 'a\n');
  await writeFile(join(folder, 'soil.yml'), yaml);
  await git(folder, 'add', '.');
  await git(folder, 'commit', '-qm', 'first');
  return folder;
}

const places: Readonly<Record<string, (base: string, yaml: string) => Promise<Place>>> = {
  'an ordinary repository': async (base, yaml) => {
    const repo = await makeRepo(join(base, 'repo'), yaml);
    return { repo, keep: join(repo, '.git') };
  },
  'a linked worktree': async (base, yaml) => {
    const main = await makeRepo(join(base, 'main'), yaml);
    await git(main, 'worktree', 'add', '-q', join(base, 'linked'));
    return { repo: join(base, 'linked'), keep: join(main, '.git') };
  },
  'a submodule': async (base, yaml) => {
    const inner = await makeRepo(join(base, 'inner'), yaml);
    const outer = await makeRepo(join(base, 'outer'), yaml);
    await git(outer, 'submodule', '--quiet', 'add', inner, 'sub');
    return { repo: join(outer, 'sub'), keep: join(outer, '.git') };
  },
  'a repository made with --separate-git-dir': async (base, yaml) => {
    const repo = await makeRepo(join(base, 'repo'), yaml);
    await git(repo, 'init', '-q', '--separate-git-dir', join(base, 'elsewhere'));
    return { repo, keep: join(base, 'elsewhere') };
  },
  'a repository whose .git is a link': async (base, yaml) => {
    const repo = await makeRepo(join(base, 'repo'), yaml);
    await rename(join(repo, '.git'), join(base, 'elsewhere'));
    await symlink('../elsewhere', join(repo, '.git'));
    return { repo, keep: join(base, 'elsewhere') };
  },
  'a clone made with --shared': async (base, yaml) => {
    const main = await makeRepo(join(base, 'main'), yaml);
    await git(base, 'clone', '-q', '--shared', main, join(base, 'shared'));
    return { repo: join(base, 'shared'), keep: join(main, '.git') };
  },
};

/** Returns the names and contents of a folder's files. */
async function snapshot(folder: string): Promise<string> {
  return must('sh', ['-c', 'cd "$1" && find . -type f -exec sha256sum {} + | sort', 'sh', folder]);
}

for (const kind of ['podman', 'docker'] as const) {
  describe(`the git repository in a container of ${kind}`, () => {
    let engine: TestEngine;
    before(async () => {
      engine = await openEngine(kind);
    });
    after(() => engine.close());

    async function makePlace(
      t: TestContext,
      make: (base: string, yaml: string) => Promise<Place>,
      more = '',
    ) {
      const base = await mkdtemp(join(tmpdir(), 'soil-layer-'));
      await chmod(base, 0o755);
      t.after(() => rm(base, { recursive: true, force: true }));
      const place = await make(base, soilYml(engine.image, more));
      const soil = (...args: string[]): Promise<CommandEnd> =>
        worker([...args, '--engine', kind], {
          cwd: place.repo,
          env: { ...engine.environment, GITHUB_ACTIONS: '', XDG_STATE_HOME: join(base, 'state') },
        });
      const log = (task: string) => readFile(join(place.repo, '_soil/job/logs', `${task}.txt`), 'utf8');
      const stateFiles = async () =>
        (await readdir(join(base, 'state'), { recursive: true })).filter((name) => name.includes('.git-'));
      return { ...place, base, soil, log, stateFiles };
    }

    for (const [name, make] of Object.entries(places)) {
      it(`commit, branch and gc work in ${name}, also in the next container; here it stays as it was`, async (t) => {
        const { repo, keep, soil, log, stateFiles } = await makePlace(t, make);
        const before = await snapshot(keep);
        const end = await soil('run', 'job');
        const output = `${end.stdout}${end.stderr}\n${await log('work').catch(() => '')}`;
        assert.equal(end.status, 0, output);
        assert.equal(await log('work'), 'first\nof the task\nfirst\n');
        assert.equal(await log('later'), 'of the task\nfirst\n  side\n/repo\n');
        assert.equal(await snapshot(keep), before);
        assert.equal(await git(repo, 'log', '--format=%s'), 'first\n');
        assert.deepEqual(await stateFiles(), []);
        assert.doesNotMatch(output, /notice:.*git repository/);
      });
    }

    it('git: writable lets tasks commit to the repository itself', async (t) => {
      const make = places['an ordinary repository'];
      assert.ok(make !== undefined);
      const { repo, soil, log } = await makePlace(t, make, '    git: writable\n');
      const end = await soil('run', 'job');
      assert.equal(end.status, 0, `${end.stdout}${end.stderr}\n${await log('work')}`);
      assert.equal(await git(repo, 'log', '--format=%s'), 'of the task\nfirst\n');
    });

    it('tasks cannot replace a .git that is a file', async (t) => {
      const make = places['a linked worktree'];
      assert.ok(make !== undefined);
      const { repo, soil, base } = await makePlace(t, make);
      const before = await readFile(join(repo, '.git'), 'utf8');
      await writeFile(
        join(base, 'tasks'),
        ['echo x >.git', 'rm -f .git', 'mv .git x', 'ln -sf /root .git']
          .map((c, i) => `t${i}\t.\t${c}\t-\n`)
          .join(''),
      );
      await soil('run', 'job', '--tasks', join(base, 'tasks'));
      assert.equal(await readFile(join(repo, '.git'), 'utf8'), before);
    });

    it('a path that no engine can mount a layer over is read-only, with a notice', async (t) => {
      const { soil, log, keep } = await makePlace(t, async (base, yaml) => {
        const odd = await makeRepo(join(base, 'a:b,c'), yaml);
        return { repo: odd, keep: join(odd, '.git') };
      });
      const before = await snapshot(keep);
      const end = await soil('run', 'job');
      assert.match(end.stderr, /notice: tasks can read the git repository, but not change it/);
      assert.match(await log('later'), /^first\n/);
      assert.equal(await snapshot(keep), before);
    });

    for (const [what, prepare] of [
      [
        'gitdir: names a folder that is no repository',
        async (repo: string, secret: string) => {
          await rm(join(repo, '.git'), { recursive: true });
          await writeFile(join(repo, '.git'), `gitdir: ${secret}\n`);
        },
      ],
      [
        '.git is a link to a folder that is no repository',
        async (repo: string, secret: string) => {
          await rm(join(repo, '.git'), { recursive: true });
          await symlink(secret, join(repo, '.git'));
        },
      ],
      [
        'alternates name a folder that holds no objects',
        async (repo: string, secret: string) => {
          await writeFile(join(repo, '.git/objects/info/alternates'), `${secret}\n`);
        },
      ],
    ] as const) {
      it(`a job is refused where ${what}`, async (t) => {
        const make = places['an ordinary repository'];
        assert.ok(make !== undefined);
        const { repo, soil, base } = await makePlace(t, make);
        const secret = join(base, 'root');
        await mkdir(join(secret, '.ssh'), { recursive: true });
        await prepare(repo, secret);
        const end = await soil('run', 'job');
        assert.equal(end.status, 2, end.stdout + end.stderr);
        assert.match(end.stderr, /is not (a git repository|the folder of objects of a git repository)\n$/);
      });
    }
  });
}

describe('the git repository in a container that an ordinary user starts', () => {
  let rootless: RootlessEngine;
  before(async () => {
    rootless = await openRootless();
  });
  after(() => rootless.close());

  for (const kind of ['podman', 'docker'] as const) {
    it(`tasks of ${kind} write to a layer, and nothing of it is left`, async (t) => {
      const { user, worker: ownWorker } = rootless;
      const docker = kind === 'docker' ? await openDocker({ group: user.gid }) : undefined;
      t.after(() => docker?.close());
      const { environment, image } = docker ?? rootless;
      const base = await mkdtemp(join(tmpdir(), 'soil-layer-'));
      t.after(() => rm(base, { recursive: true, force: true }));
      await chmod(base, 0o755);
      const tasks = `{ name: w, run: 'echo made >.git/made; mkdir .git/objects/zz; cat .git/made' }`;
      const job = (more: string): string =>
        `{ image: ${image}, pull: never, network: none,${more} tasks: [${tasks}] }`;
      const yaml = `project: p\njobs:\n  job: ${job('')}\n  mapped: ${job(' user: "1234:1234",')}\n`;
      const repo = await makeRepo(join(base, 'repo'), yaml);
      await mkdir(join(base, 'home'));
      await must('chown', ['-R', `${user.uid}:${user.gid}`, base]);
      const before = await snapshot(join(repo, '.git'));
      const state = join(base, 'home/state');
      // docker maps no users, so another user cannot write there.
      for (const name of kind === 'podman' ? ['job', 'mapped'] : ['job', 'job']) {
        const end = await run(process.execPath, [ownWorker, 'run', name, '--engine', kind], {
          ...{ cwd: repo, as: user },
          env: { HOME: join(base, 'home'), ...environment, GITHUB_ACTIONS: '', XDG_STATE_HOME: state },
        });
        assert.equal(end.status, 0, end.stdout + end.stderr);
        assert.doesNotMatch(end.stderr, /git repository|cannot remove/);
        assert.equal(await readFile(join(repo, '_soil', name, 'logs/w.txt'), 'utf8'), 'made\n');
      }
      assert.equal(await snapshot(join(repo, '.git')), before);
      assert.equal(await must('find', [state, '-name', '.git-*']), '');
    });
  }
});
