/** Attacks by way of git: what a tree or a `.git` says must start no program of this machine, and reach no other repository. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import {
  appendFile,
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { must, worker, type CommandEnd, type CommandOptions } from './command.js';
import { makeRepo } from './git-repo.js';

interface Place {
  readonly base: string;
  readonly repo: string;
  /** exists once an attack ran a program */
  readonly marker: string;
  /** a shell command that makes the marker */
  readonly mark: string;
  readonly git: (...args: string[]) => Promise<string>;
  readonly soil: (args: readonly string[], options?: CommandOptions) => Promise<CommandEnd>;
}

const soilYml = `project: p
jobs:
  a: { image: none, tasks: [{ name: t, run: 'ls -A | sort >/dev/null; cat a.txt' }] }
`;

async function makePlace(t: TestContext, files: Readonly<Record<string, string>> = {}): Promise<Place> {
  const base = await mkdtemp(join(tmpdir(), 'soil-attack-'));
  const repo = await makeRepo({ 'soil.yml': soilYml, 'a.txt': 'text of a\n', ...files });
  t.after(() => Promise.all([base, repo].map((path) => rm(path, { recursive: true, force: true }))));
  const marker = join(base, 'ran');
  const script = join(base, 'mark.sh');
  await writeFile(script, `#!/bin/sh\necho "$0 $*" >>'${marker}'\ncat\n`, { mode: 0o755 });
  const home = join(base, 'home');
  await mkdir(home);
  const environment = { HOME: home, XDG_STATE_HOME: join(base, 'state'), GITHUB_ACTIONS: '', TMPDIR: base };
  return {
    ...{ base, repo, marker, mark: script },
    git: (...args) => must('git', ['-C', repo, '-c', 'protocol.file.allow=always', ...args]),
    soil: (args, options = {}) =>
      worker(args, { cwd: repo, timeoutSeconds: 60, ...options, env: { ...environment, ...options.env } }),
  };
}

/** Runs every command of the worker that reads a repository. */
async function readRepository({ soil }: Place): Promise<string> {
  const ends = [
    await soil(['run', 'a']),
    await soil(['local', 'a']),
    await soil(['init', '--dry-run']),
    await soil([
      'maybe-merge',
      '--server',
      'http://127.0.0.1:9',
      '--remote',
      'origin',
      '--run-id',
      'r',
      '--to',
      'main',
    ]),
  ];
  return ends.map(({ stdout, stderr }) => stdout + stderr).join('\n');
}

const changed = async ({ repo }: Place): Promise<void> => {
  await appendFile(join(repo, 'a.txt'), 'changed\n');
  await writeFile(join(repo, 'new.txt'), 'new\n');
};

/** Settings that make git start a program. The value holds `MARK` where the program's path goes. */
const settings: readonly (readonly [name: string, key: string, value: string, attributes?: string])[] = [
  ['M3: filter.x.clean', 'filter.x.clean', 'MARK', '* filter=x\n'],
  ['M3: filter.x.smudge', 'filter.x.smudge', 'MARK', '* filter=x\n'],
  ['M3: filter.x.process', 'filter.x.process', 'MARK', '* filter=x\n'],
  ['M3: diff.external', 'diff.external', 'MARK'],
  ['M3: diff.x.textconv', 'diff.x.textconv', 'MARK', '* diff=x\n'],
  ['M3: diff.x.command', 'diff.x.command', 'MARK', '* diff=x\n'],
  ['M3: merge.x.driver', 'merge.x.driver', 'MARK', '* merge=x\n'],
  ['M3: core.fsmonitor', 'core.fsmonitor', 'MARK'],
  ['M3: core.sshCommand', 'core.sshCommand', 'MARK'],
  ['M3: core.gitProxy', 'core.gitProxy', 'MARK'],
  ['M3: core.pager', 'core.pager', 'MARK'],
  ['M3: core.editor', 'core.editor', 'MARK'],
  ['M3: core.askPass', 'core.askPass', 'MARK'],
  ['M3: core.alternateRefsCommand', 'core.alternateRefsCommand', 'MARK'],
  ['M3: gpg.program', 'gpg.program', 'MARK'],
  ['M3: credential.helper', 'credential.helper', '!MARK'],
  ['M3: uploadpack.packObjectsHook', 'uploadpack.packObjectsHook', 'MARK'],
  ['M3: remote.origin.uploadpack', 'remote.origin.uploadpack', 'MARK'],
  ['M3: remote.origin.vcs', 'remote.origin.vcs', 'ext'],
  ['M3: alias.status', 'alias.status', '!MARK'],
  ['M3: submodule.sub.update', 'submodule.sub.update', '!MARK'],
];

for (const [name, key, value, attributes] of settings) {
  it(`${name} in .git/config starts nothing`, async (t) => {
    const place = await makePlace(t);
    await place.git('config', key, value.replace('MARK', place.mark));
    if (attributes !== undefined) await writeFile(join(place.repo, '.git/info/attributes'), attributes);
    await changed(place);
    const output = await readRepository(place);
    assert.equal(existsSync(place.marker), false, output);
    assert.match(output, /1 uncommitted change|2 uncommitted changes/);
    assert.match(output, /not committed, so left out: 2 files or folders\n {3}M a\.txt\n {2}\?\? new\.txt/);
  });
}

it('M3: doctor starts nothing that .git/config names', async (t) => {
  const place = await makePlace(t);
  for (const key of ['core.fsmonitor', 'core.pager', 'alias.config', 'filter.x.clean'])
    await place.git('config', key, place.mark);
  const end = await place.soil(['doctor']);
  assert.match(end.stdout, /git version/);
  assert.equal(existsSync(place.marker), false);
});

it('M3: hooks of a repository start nothing', async (t) => {
  const place = await makePlace(t);
  await place.git('config', 'core.hooksPath', join(place.base, 'hooks'));
  for (const folder of [join(place.base, 'hooks'), join(place.repo, '.git/hooks')]) {
    await mkdir(folder, { recursive: true });
    for (const hook of [
      'post-checkout',
      'post-index-change',
      'reference-transaction',
      'fsmonitor-watchman',
      'pre-auto-gc',
    ])
      await symlink(place.mark, join(folder, hook));
  }
  await changed(place);
  const output = await readRepository(place);
  assert.equal(existsSync(place.marker), false, output);
});

it('M3: a configuration that .git/config includes starts nothing', async (t) => {
  const place = await makePlace(t, {
    '.gitattributes': '* filter=x\n',
    evil: '[filter "x"]\n\tclean = MARK\n',
  });
  await writeFile(
    join(place.base, 'evil'),
    `[filter "x"]\n\tclean = ${place.mark}\n[core]\n\tfsmonitor = ${place.mark}\n`,
  );
  await place.git('config', 'include.path', join(place.base, 'evil'));
  await place.git('config', 'includeIf.gitdir:/.path', join(place.base, 'evil'));
  await place.git('config', 'extensions.worktreeConfig', 'true');
  await writeFile(join(place.repo, '.git/config.worktree'), `[core]\n\tfsmonitor = ${place.mark}\n`);
  await changed(place);
  const output = await readRepository(place);
  assert.equal(existsSync(place.marker), false, output);
});

it('M3: a committed .gitattributes and a filter of the user’s own configuration start nothing', async (t) => {
  const place = await makePlace(t, { '.gitattributes': '* filter=x\n' });
  await writeFile(
    join(place.base, 'home/.gitconfig'),
    `[filter "x"]\n\tclean = ${place.mark}\n\tsmudge = ${place.mark}\n`,
  );
  await changed(place);
  const output = await readRepository(place);
  assert.equal(existsSync(place.marker), false, output);
});

it('M3: core.worktree and url.*.insteadOf of .git/config lead nowhere', async (t) => {
  const place = await makePlace(t);
  const secret = join(place.base, 'private');
  await mkdir(secret);
  await writeFile(join(secret, 'secret.txt'), 'secret');
  await place.git('config', 'core.worktree', secret);
  await place.git('config', `url.ext::${place.mark} .insteadOf`, place.repo);
  await place.git('config', 'protocol.ext.allow', 'always');
  const output = await readRepository(place);
  assert.equal(existsSync(place.marker), false, output);
  assert.doesNotMatch(output, /secret\.txt/);
  assert.match(output, /passed .* t\n/);
});

it('M3: the variables of git in the worker’s environment start nothing, and lead to no other repository', async (t) => {
  const place = await makePlace(t);
  const other = await makeRepo({ 'other.txt': 'other\n' });
  t.after(() => rm(other, { recursive: true, force: true }));
  const env = {
    ...{ GIT_DIR: join(other, '.git'), GIT_WORK_TREE: other, GIT_INDEX_FILE: join(other, '.git/index') },
    ...{
      GIT_EXTERNAL_DIFF: place.mark,
      GIT_PAGER: place.mark,
      GIT_EDITOR: place.mark,
      GIT_TEMPLATE_DIR: place.base,
    },
    ...{ GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'core.fsmonitor', GIT_CONFIG_VALUE_0: place.mark },
    ...{ GIT_CONFIG_PARAMETERS: `'core.fsmonitor'='${place.mark}'`, GIT_TRACE: join(place.base, 'trace') },
  };
  const end = await place.soil(['run', 'a'], { env });
  assert.equal(end.status, 0, end.stderr);
  const record = await readFile(join(place.repo, '_soil/a/a.json'), 'utf8');
  assert.match(record, new RegExp((await place.git('rev-parse', 'HEAD')).trim()));
  assert.equal(existsSync(place.marker), false);
  assert.equal(existsSync(join(place.base, 'trace')), false);
});

it('GIT_DIR and its like reach no task: git init in a task of a hook makes a repository of its own', async (t) => {
  const place = await makePlace(t, {
    'soil.yml': `project: p\njobs:\n  a: { image: none, tasks: [{ name: t, run: 'env | grep -E "^GIT_(DIR|INDEX|PREFIX|COMMON|OBJECT|CONFIG|NAMESPACE|EXEC)" || true; mkdir x && cd x && git init -q && git rev-parse --show-toplevel' }] }\n`,
  });
  const env = {
    ...{
      GIT_DIR: join(place.repo, '.git'),
      GIT_INDEX_FILE: '.git/index',
      GIT_PREFIX: 'x/',
      GIT_COMMON_DIR: '.git',
    },
    ...{ GIT_OBJECT_DIRECTORY: '.git/objects', GIT_CONFIG_PARAMETERS: "'a.b'='c'", GIT_NAMESPACE: 'n' },
    ...{
      GIT_EXEC_PATH: '/usr/lib/git-core',
      GIT_SSH_COMMAND: 'ssh -i key',
      GIT_SSH: 'ssh',
    },
  };
  const end = await place.soil(['run', 'a'], { env });
  assert.equal(end.status, 0, end.stderr);
  assert.equal(await readFile(join(place.repo, '_soil/a/logs/t.txt'), 'utf8'), `${place.repo}/x\n`);
});

/** Entries of .gitmodules for a gitlink at `sub`. */
const modules: readonly (readonly [name: string, text: string])[] = [
  [
    'M1: a submodule whose name sets another key',
    '[submodule "foo.update=!MARK;#"]\n\tpath = .\n[submodule "foo"]\n\tpath = sub\n\turl = ./nowhere\n',
  ],
  [
    'M1: the name of the submodule itself sets another key',
    '[submodule "foo.update=!MARK;#"]\n\tpath = sub\n\turl = ./nowhere\n',
  ],
  ['M1: update = !command', '[submodule "foo"]\n\tpath = sub\n\turl = ./nowhere\n\tupdate = !MARK\n'],
  ['M1: a URL with ext::', '[submodule "foo"]\n\tpath = sub\n\turl = ext::MARK\n'],
  ['M1: a URL that is an option', '[submodule "foo"]\n\tpath = sub\n\turl = --upload-pack=MARK\n'],
  [
    'M1: a URL of SSH whose host is an option',
    '[submodule "foo"]\n\tpath = sub\n\turl = ssh://-oProxyCommand=MARK/x\n',
  ],
  [
    'M1: a name that leads out of .git/modules',
    '[submodule "../../../evil"]\n\tpath = sub\n\turl = ./nowhere\n',
  ],
  ['M1: a name with a line end', '[submodule "a\\nb"]\n\tpath = sub\n\turl = ./nowhere\n'],
  ['M1: a URL that is a path of this machine', '[submodule "foo"]\n\tpath = sub\n\turl = BASE/private\n'],
  ['M1: a URL that is a file: URL', '[submodule "foo"]\n\tpath = sub\n\turl = file://BASE/private\n'],
];

for (const [name, text] of modules) {
  it(`${name} starts nothing and is refused by local`, async (t) => {
    const place = await makePlace(t);
    const secret = await makeRepo({ 'secret.txt': 'secret' });
    t.after(() => rm(secret, { recursive: true, force: true }));
    await symlink(secret, join(place.base, 'private'));
    const commit = (await must('git', ['-C', secret, 'rev-parse', 'HEAD'])).trim();
    await writeFile(
      join(place.repo, '.gitmodules'),
      text.replaceAll('MARK', place.mark).replaceAll('BASE', place.base),
    );
    await place.git('add', '.gitmodules');
    await place.git('update-index', '--add', '--cacheinfo', `160000,${commit},sub`);
    await place.git('commit', '-qm', 'modules');
    const end = await place.soil(['local', 'a']);
    assert.equal(existsSync(place.marker), false, end.stderr);
    assert.equal(end.status, 2, end.stdout + end.stderr);
    assert.match(end.stderr, /^(.*\n)*cannot clone submodule "/);
    assert.deepEqual(
      (await readdir(place.base)).filter((entry) => entry.startsWith('soil-')),
      [],
    );
  });
}

it('M1: a working copy of a submodule that names another repository gives only the commit that HEAD names', async (t) => {
  const place = await makePlace(t, {
    'soil.yml': `project: p\njobs:\n  a: { image: none, tasks: [{ name: t, run: 'cd sub && git log --all --format=%s' }] }\n`,
  });
  const secret = await makeRepo({ 'a.txt': 'a' });
  t.after(() => rm(secret, { recursive: true, force: true }));
  const known = (await must('git', ['-C', secret, 'rev-parse', 'HEAD'])).trim();
  await must('git', ['-C', secret, 'commit', '-q', '--allow-empty', '-m', 'private work']);
  await writeFile(
    join(place.repo, '.gitmodules'),
    '[submodule "sub"]\n\tpath = sub\n\turl = https://127.0.0.1:9/x.git\n',
  );
  await place.git('add', '.gitmodules');
  await place.git('update-index', '--add', '--cacheinfo', `160000,${known},sub`);
  await place.git('commit', '-qm', 'sub');
  await mkdir(join(place.repo, 'sub'));
  await writeFile(join(place.repo, 'sub/.git'), `gitdir: ${secret}/.git\n`);
  const end = await place.soil(['local', 'a']);
  assert.equal(end.status, 0, end.stdout + end.stderr);
  assert.doesNotMatch(await readFile(join(place.repo, '_soil/a/logs/t.txt'), 'utf8'), /private work/);
});

it('M1: a submodule reached through a link that replaced its folder is not the source', async (t) => {
  const place = await makePlace(t);
  const secret = await makeRepo({ 'a.txt': 'a' });
  t.after(() => rm(secret, { recursive: true, force: true }));
  const known = (await must('git', ['-C', secret, 'rev-parse', 'HEAD'])).trim();
  await writeFile(
    join(place.repo, '.gitmodules'),
    '[submodule "sub"]\n\tpath = sub\n\turl = https://127.0.0.1:9/x.git\n',
  );
  await place.git('add', '.gitmodules');
  await place.git('update-index', '--add', '--cacheinfo', `160000,${known},sub`);
  await place.git('commit', '-qm', 'sub');
  await symlink(secret, join(place.repo, 'sub'));
  const end = await place.soil(['local', 'a']);
  assert.equal(end.status, 2, end.stdout);
  assert.match(end.stderr, /cannot clone submodule "sub"/);
});

it('M12: named pipes in .git and in the tree do not hang the worker', { timeout: 120_000 }, async (t) => {
  const pack = '.git/objects/pack/pack-0000000000000000000000000000000000000000';
  for (const [path, expected] of [
    ['.git/info/exclude', 'runs'],
    ['.git/info/attributes', 'runs'],
    ['.git/packed-refs', 'runs'],
    ['.git/shallow', 'runs'],
    ['.git/commondir', 'runs'],
    ['.git/index', 'runs'],
    ['.git/config', 'runs'],
    ['.gitmodules', 'runs'],
    ['.mailmap', 'runs'],
    ['.gitignore', 'unknown'],
    ['.gitattributes', 'unknown'],
    ['.git/objects/info/alternates', 'refused'],
    [`${pack}.idx`, 'refused'],
    ['.git/objects/00/00000000000000000000000000000000000000', 'refused'],
  ] as const) {
    const place = await makePlace(t);
    await rm(join(place.repo, path), { force: true });
    await mkdir(dirname(join(place.repo, path)), { recursive: true });
    await must('mkfifo', [join(place.repo, path)]);
    const end = await place.soil(['run', 'a'], { timeoutSeconds: 30 });
    assert.equal(end.status, expected === 'refused' ? 2 : 0, `${path}: ${end.stdout}${end.stderr}`);
    const message = {
      runs: /^$/,
      unknown: /it is unknown whether/,
      refused: /is neither a file nor a folder/,
    };
    assert.match(
      end.stderr.replace(/^notice: \d+ uncommitted change.*\n(  .*\n)*/, ''),
      message[expected],
      path,
    );
  }
});

it('an index that overlooks changes does not hide them', async (t) => {
  const place = await makePlace(t, { 'b.txt': 'b\n' });
  await place.git('update-index', '--assume-unchanged', 'a.txt');
  await place.git('update-index', '--skip-worktree', 'b.txt');
  await place.git('config', 'core.ignoreStat', 'true');
  for (const name of ['a.txt', 'b.txt']) await appendFile(join(place.repo, name), 'changed\n');
  const end = await place.soil(['run', 'a']);
  assert.match(end.stderr, /2 uncommitted changes:\n {3}M a\.txt\n {3}M b\.txt\n/);
  const again = await place.soil(['run', 'a', '--require-clean']);
  assert.equal(again.status, 2);
  assert.match(again.stderr, /^cannot run with --require-clean: 2 uncommitted changes in/);
});

it('files of the user in a folder of --out are uncommitted changes, and the copies of jobs there are not', async (t) => {
  const place = await makePlace(t);
  await place.soil(['run', 'a', '--out', 'src']);
  await writeFile(join(place.repo, 'src/user.c'), 'int main;\n');
  await place.soil(['run', 'a', '--out', 'src']);
  const record = JSON.parse(await readFile(join(place.repo, 'src/a/a.json'), 'utf8')) as {
    readonly uncommitted: { readonly count: number };
  };
  assert.equal(record.uncommitted.count, 1);
});

it('uncommitted changes are counted without what earlier jobs made; without .git they are unknown', async (t) => {
  const place = await makePlace(t, {
    'soil.yml': `project: p\njobs:\n  a: { image: none, tasks: [{ name: t, run: 'mkdir -p out && echo x >out/made' }] }\n`,
    '.gitignore': '*.o\n',
  });
  const uncommitted = async (): Promise<unknown> =>
    (JSON.parse(await readFile(join(place.repo, '_soil/a/a.json'), 'utf8')) as { uncommitted: unknown })
      .uncommitted;
  await place.soil(['run', 'a']);
  assert.deepEqual(await uncommitted(), { count: 0, files: [] });
  await writeFile(join(place.repo, 'ignored.o'), 'x');
  await place.soil(['run', 'a']);
  assert.deepEqual(await uncommitted(), { count: 0, files: [] });
  await writeFile(join(place.repo, 'mine'), 'x');
  await chmod(join(place.repo, 'a.txt'), 0o644);
  await rm(join(place.repo, '.gitignore'));
  await place.soil(['run', 'a']);
  assert.deepEqual(await uncommitted(), {
    count: 4,
    files: [' D .gitignore', ' M a.txt', '?? ignored.o', '?? mine'],
  });
  await rm(join(place.repo, '.git'), { recursive: true });
  const end = await place.soil(['run', 'a']);
  assert.equal(end.status, 0, end.stderr);
  assert.equal(await uncommitted(), 'unknown');
  assert.equal((await place.soil(['run', 'a', '--require-clean'])).status, 2);
});

it('a commit with an odd time zone or no date keeps its hash, branch and subject in the record', async (t) => {
  for (const date of ['@1 -0930', '@1768294800 +0100', 'none']) {
    const place = await makePlace(t);
    if (date === 'none') {
      const tree = (await place.git('rev-parse', 'HEAD^{tree}')).trim();
      const text = `tree ${tree}\nauthor A <a@example.org>\ncommitter A <a@example.org>\n\nodd\n`;
      const hash = (
        await must('git', ['-C', place.repo, 'hash-object', '-t', 'commit', '-w', '--literally', '--stdin'], {
          input: text,
        })
      ).trim();
      await place.git('reset', '-q', '--hard', hash);
    } else {
      await must('git', ['-C', place.repo, 'commit', '-q', '--allow-empty', '-m', 'odd'], {
        env: { GIT_COMMITTER_DATE: date, GIT_AUTHOR_DATE: date },
      });
    }
    const end = await place.soil(['run', 'a']);
    assert.equal(end.status, 0, end.stderr);
    const record = JSON.parse(await readFile(join(place.repo, '_soil/a/a.json'), 'utf8')) as Record<
      string,
      unknown
    >;
    assert.equal(record['commit-hash'], (await place.git('rev-parse', 'HEAD')).trim(), date);
    assert.deepEqual([record['commit-line'], record.branch], ['odd', 'main']);
    assert.equal(
      record['commit-date'],
      { '@1 -0930': '1969-12-31T14:30:01-09:30', none: undefined }[date] ??
        (date === 'none' ? undefined : '2026-01-13T10:00:00+01:00'),
    );
  }
});

it('publishing without a commit says "Commit first" before the job runs', async (t) => {
  const place = await makePlace(t);
  await rm(join(place.repo, '.git'), { recursive: true });
  await must('git', ['init', '-q', place.repo]);
  const end = await place.soil(['run', 'a', '--publish', '--server', 'http://127.0.0.1:9'], {
    env: { SOIL_TOKEN: 'soil_static_aaaaaaaa_bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb' },
  });
  assert.equal(end.status, 2, end.stdout + end.stderr);
  assert.match(end.stderr, /has no commit, and results are published for one\. Commit first: git commit\n$/);
  assert.equal(existsSync(join(place.repo, '_soil/a')), false);
});
