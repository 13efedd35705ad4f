/** Attacks on the gate: what a job left in the checkout must not move the target, and must run nothing. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { must, repoRoot, run, soilWorker, worker, type CommandEnd, type CommandOptions } from './command.js';

const yml = (require: string, more = ''): string => `project: p
jobs:
  one: { image: none, tasks: [{ name: t, run: 'true' }] }
  two: { image: none, tasks: [{ name: t, run: 'true' }] }
merge: { from: staging, to: main, require: ${require}${more} }
`;

interface Gate {
  readonly base: string;
  readonly repo: string;
  readonly bare: string;
  /** the tip of main when the fixture was made */
  readonly tip: string;
  /** the parent of the candidate: git checks the hash of an object that is named to it, and not that of a parent */
  readonly middle: string;
  readonly candidate: string;
  /** a program that leaves a mark when it runs */
  readonly mark: string;
  readonly marker: string;
  /** the status API */
  readonly server: string;
  readonly git: (...args: string[]) => Promise<string>;
  readonly main: () => Promise<string>;
  /** serves a status for a job and commit */
  readonly pass: (job: string, commit?: string, more?: string) => void;
  readonly merge: (args?: readonly string[], options?: CommandOptions) => Promise<CommandEnd>;
}

/** A remote with main and one more commit on staging, its checkout, and a status API. */
async function makeGate(t: TestContext, rule = yml('[one, two]')): Promise<Gate> {
  const base = await mkdtemp(join(tmpdir(), 'soil-gate-attack-'));
  const [repo, bare, marker, mark] = ['repo', 'bare.git', 'ran', 'mark.sh'].map((name) =>
    join(base, name),
  ) as [string, string, string, string];
  await writeFile(mark, `#!/bin/sh\necho "$0 $*" >>'${marker}'\n`, { mode: 0o755 });
  const git = (...args: string[]): Promise<string> => must('git', ['-C', repo, ...args]);
  await must('git', ['init', '-q', '--bare', '-b', 'main', bare]);
  await must('git', ['init', '-q', '-b', 'main', repo]);
  await git('config', 'user.name', 'Test');
  await git('config', 'user.email', 'test@example.org');
  await git('config', 'gc.auto', '0');
  await git('remote', 'add', 'origin', bare);
  await writeFile(join(repo, 'soil.yml'), rule);
  await git('add', '.');
  await git('commit', '-qm', 'first');
  await git('push', '-q', 'origin', 'main');
  await git('checkout', '-qb', 'staging');
  await git('commit', '-q', '--allow-empty', '-m', 'middle');
  const middle = (await git('rev-parse', 'HEAD')).trim();
  await git('commit', '-q', '--allow-empty', '-m', 'candidate');
  await git('push', '-q', 'origin', 'staging');
  const candidate = (await git('rev-parse', 'HEAD')).trim();
  const answers = new Map<string, string>();
  const server: Server = createServer((request, response) => {
    const answer = answers.get(request.url ?? '');
    response.writeHead(answer === undefined ? 404 : 200).end(answer ?? '');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(async () => {
    server.closeAllConnections();
    server.close();
    await rm(base, { recursive: true, force: true });
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const main = async (): Promise<string> =>
    (await must('git', ['--git-dir', bare, 'rev-parse', 'main'])).trim();
  return {
    ...{ base, repo, bare, middle, candidate, mark, marker, git, main },
    tip: await main(),
    server: url,
    pass: (job, commit = candidate, more = '') => {
      const time = new Date().toISOString();
      answers.set(
        `/status-api/local/r/${job}`,
        `0 host=local run=r attempt=1 job=${job} commit=${commit} outcome=passed time=${time}${more}\n`,
      );
    },
    merge: (args = ['--commit', candidate], options = {}) =>
      worker(
        ['maybe-merge', '--server', url, '--run-id', 'r', '--branch', 'staging', '--remote', bare, ...args],
        {
          ...{ cwd: repo, timeoutSeconds: 60 },
          ...options,
          env: { XDG_STATE_HOME: join(base, 'state'), GITHUB_ACTIONS: '', ...options.env },
        },
      ),
  };
}

/** Adds a commit to main that the checkout knows and that is no ancestor of the candidate. */
async function addReviewed({ git, bare }: Gate): Promise<string> {
  await git('checkout', '-q', 'main');
  await git('commit', '-q', '--allow-empty', '-m', 'reviewed');
  await git('push', '-q', bare, 'main');
  const hash = (await git('rev-parse', 'HEAD')).trim();
  await git('checkout', '-q', 'staging');
  return hash;
}

/** Returns the path of a loose object. */
const loose = (folder: string, hash: string): string =>
  join(folder, 'objects', hash.slice(0, 2), hash.slice(2));

/** Overwrites an object of the checkout by one of another content, under the same hash. */
async function forgeObject({ repo, git }: Gate, hash: string, type: string, text: string): Promise<void> {
  const other = (
    await must('git', ['-C', repo, 'hash-object', '-t', type, '-w', '--literally', '--stdin'], {
      input: text,
    })
  ).trim();
  const path = loose(join(repo, '.git'), hash);
  await git('cat-file', '-e', hash);
  await chmod(path, 0o644).catch(() => undefined);
  await cp(loose(join(repo, '.git'), other), path);
}

/** Checks that git in the checkout believes the forged history: otherwise the test would test nothing. */
async function assertFooled(gate: Gate, reviewed: string): Promise<void> {
  await gate.git('merge-base', '--is-ancestor', reviewed, gate.candidate);
}

async function assertDiverged(gate: Gate, reviewed: string): Promise<void> {
  for (const job of ['one', 'two']) gate.pass(job);
  const end = await gate.merge();
  assert.equal(end.status, 3, end.stdout + end.stderr);
  assert.match(end.stderr, /is not a fast-forward of main/);
  assert.equal(await gate.main(), reviewed);
}

it('G1: a forged commit-graph does not make the candidate a descendant of main', async (t) => {
  const gate = await makeGate(t);
  const reviewed = await addReviewed(gate);
  // The graph of a repository in which the reviewed commit is a parent of the candidate's parent, under the same hashes.
  const forged = (await gate.git('cat-file', 'commit', gate.middle)).replace(gate.tip, reviewed);
  const path = loose(join(gate.repo, '.git'), gate.middle);
  await cp(path, `${path}.true`);
  await forgeObject(gate, gate.middle, 'commit', forged);
  await must('git', [
    '-C',
    gate.repo,
    '-c',
    'core.commitGraph=true',
    'commit-graph',
    'write',
    '--reachable',
  ]).catch(() => undefined);
  await cp(`${path}.true`, path, { force: true });
  await rm(`${path}.true`);
  await assertFooled(gate, reviewed);
  await assertDiverged(gate, reviewed);
});

it('G2: a forged loose object of the candidate’s parent does not make the candidate a descendant of main', async (t) => {
  const gate = await makeGate(t);
  const reviewed = await addReviewed(gate);
  const text = await gate.git('cat-file', 'commit', gate.middle);
  await forgeObject(gate, gate.middle, 'commit', text.replace(gate.tip, reviewed));
  await gate.git('config', 'core.commitGraph', 'false');
  await assertFooled(gate, reviewed);
  await assertDiverged(gate, reviewed);
});

for (const [name, forge] of [
  [
    'a replacement',
    async ({ git, candidate, middle }: Gate, reviewed: string) => {
      const text = await git('cat-file', 'commit', candidate);
      const other = (
        await must(
          'sh',
          [
            '-c',
            `cd "$1" && git hash-object -t commit -w --stdin`,
            'sh',
            (await git('rev-parse', '--show-toplevel')).trim(),
          ],
          { input: text.replace(middle, reviewed) },
        )
      ).trim();
      await git('replace', '-f', candidate, other);
    },
  ],
  [
    'a graft',
    async ({ repo, candidate }: Gate, reviewed: string) => {
      await mkdir(join(repo, '.git/info'), { recursive: true });
      await writeFile(join(repo, '.git/info/grafts'), `${candidate} ${reviewed}\n`);
    },
  ],
  [
    'a shallow boundary',
    async ({ repo, candidate }: Gate) => {
      await writeFile(join(repo, '.git/shallow'), `${candidate}\n`);
    },
  ],
] as const) {
  it(`G2: ${name} in the checkout does not make the candidate a descendant of main`, async (t) => {
    const gate = await makeGate(t);
    const reviewed = await addReviewed(gate);
    await forge(gate, reviewed);
    if (name !== 'a shallow boundary') await assertFooled(gate, reviewed);
    await assertDiverged(gate, reviewed);
  });
}

it('G3: a forged blob of main’s soil.yml does not shorten the rule', async (t) => {
  const gate = await makeGate(t);
  const blob = (await gate.git('rev-parse', 'main:soil.yml')).trim();
  await forgeObject(gate, blob, 'blob', yml('[one]'));
  await writeFile(join(gate.repo, 'soil.yml'), yml('[one]'));
  gate.pass('one');
  const end = await gate.merge();
  assert.equal(end.status, 1, end.stdout + end.stderr);
  assert.match(end.stderr, /two: has not reported/);
  assert.equal(await gate.main(), gate.tip);
});

it('G3: a soil.yml of the checkout that names another target is not asked', async (t) => {
  const gate = await makeGate(t);
  await gate.git('push', '-q', gate.bare, 'main:refs/heads/weak');
  await writeFile(join(gate.repo, 'soil.yml'), yml('[one]').replace('to: main', 'to: weak'));
  for (const job of ['one', 'two']) gate.pass(job);
  const end = await gate.merge();
  assert.equal(end.status, 0, end.stderr);
  assert.match(end.stdout, /^merged: main /m);
  assert.equal(await gate.main(), gate.candidate);
});

it('G4: a commit that a task made and put on the branch is not the candidate', async (t) => {
  const gate = await makeGate(t);
  await gate.git('commit', '-q', '--allow-empty', '-m', 'of the task');
  const evil = (await gate.git('rev-parse', 'HEAD')).trim();
  for (const job of ['one', 'two']) gate.pass(job, evil);
  // Nothing says which commit was tested, and HEAD is not asked.
  const unnamed = await gate.merge([]);
  assert.equal(unnamed.status, 2, unnamed.stdout + unnamed.stderr);
  assert.match(unnamed.stderr, /pass --to, or --commit|Pass --commit HASH/);
  const to = await gate.merge(['--to', 'main']);
  assert.equal(to.status, 2);
  assert.match(to.stderr, /nothing says which commit was tested\. Pass --commit HASH/);
  // Even if it is named: the remote does not have it.
  const named = await gate.merge(['--commit', evil, '--to', 'main']);
  assert.equal(named.status, 3, named.stdout + named.stderr);
  assert.match(named.stderr, new RegExp(`cannot fetch ${evil}`));
  const branch = await gate.merge(['--commit', 'staging']);
  assert.equal(branch.status, 2);
  assert.match(branch.stderr, /cannot accept --commit "staging": it must be the full hash/);
  assert.equal(await gate.main(), gate.tip);
});

it('G4: a raw task that moves HEAD ends its job as an error that names both', async (t) => {
  const gate = await makeGate(t);
  const soil = (job: string): Promise<CommandEnd> =>
    worker(['run', job, '--config', join(gate.base, 'attack.yml')], {
      cwd: gate.repo,
      env: { XDG_STATE_HOME: join(gate.base, 'state'), GITHUB_ACTIONS: '' },
    });
  for (const [name, script] of [
    ['commit', 'git commit -q --allow-empty -m evil'],
    ['branch', 'git checkout -q -b other'],
    ['detach', 'git checkout -q --detach'],
    ['reset', 'git update-ref refs/heads/staging HEAD~1'],
    ['remove', 'mv .git ../moved-git; : >.git'],
  ] as const) {
    const job = (more: string): string =>
      `project: p\njobs:\n  j: { image: none,${more} tasks: [{ name: t, run: '${script}' }] }\n`;
    await writeFile(join(gate.base, 'attack.yml'), job(''));
    const end = await soil('j');
    assert.equal(end.status, 125, `${name}: ${end.stdout}${end.stderr}`);
    assert.match(
      end.stdout + end.stderr,
      /HEAD was staging \([0-9a-f]{40}\) when the job began, and is .+ now/,
    );
    if (name === 'remove') break;
    await gate.git('checkout', '-q', '-B', 'staging', gate.candidate);
    await gate.git('branch', '-q', '-D', 'other').catch(() => undefined);
    await writeFile(join(gate.base, 'attack.yml'), job(' git: writable,'));
    const allowed = await soil('j');
    assert.equal(allowed.status, 0, `${name}: ${allowed.stdout}${allowed.stderr}`);
    await gate.git('checkout', '-q', '-B', 'staging', gate.candidate);
    await gate.git('branch', '-q', '-D', 'other').catch(() => undefined);
  }
});

it('a job with git: writable, with uncommitted changes or without isolation does not count, as the rule says', async (t) => {
  for (const [rule, words, reason] of [
    ['', ' git=writable', /one: ran with git: writable/],
    [', uncommitted: allow', ' git=writable uncommitted=3', /one: ran with git: writable/],
    ['', ' uncommitted=1', /one: ran with 1 uncommitted change/],
    ['', ' uncommitted=unknown', /one: ran where it is unknown/],
    [', isolated: require', '', /one: ran without isolate: true/],
    [', isolated: require', ' isolated=false', /one: ran without isolate: true/],
    ['', ' uncommitted=many', /one: has no usable status/],
    ['', ' isolated=true uncommitted=0', undefined],
    [', uncommitted: allow', ' uncommitted=7', undefined],
    [', uncommitted: allow', ' uncommitted=unknown', undefined],
    [', isolated: require', ' isolated=true', undefined],
  ] as const) {
    const gate = await makeGate(t, yml('[one]', rule));
    gate.pass('one', gate.candidate, words);
    const end = await gate.merge();
    assert.equal(end.status, reason === undefined ? 0 : 1, `${rule}${words}: ${end.stdout}${end.stderr}`);
    if (reason !== undefined) assert.match(end.stderr, reason);
    assert.equal(await gate.main(), reason === undefined ? gate.candidate : gate.tip);
  }
});

/** Settings of the checkout that would start a program, or send the push elsewhere. */
const settings: readonly (readonly [name: string, key: string, value: string])[] = [
  ['M3: url.ext::CMD.insteadOf', 'url.ext::MARK .insteadOf', 'BARE'],
  ['M3: url.*.pushInsteadOf', 'url.ext::MARK .pushInsteadOf', 'BARE'],
  ['M3: remote.BARE.uploadpack', 'remote.BARE.uploadpack', 'MARK'],
  ['M3: remote.BARE.receivepack', 'remote.BARE.receivepack', 'MARK'],
  ['M3: remote.BARE.vcs', 'remote.BARE.vcs', 'ext'],
  ['M3: remote.BARE.proxy', 'remote.BARE.proxy', 'http://127.0.0.1:9'],
  ['M3: remote.BARE.pushurl', 'remote.BARE.pushurl', 'ext::MARK'],
  ['M3: core.sshCommand', 'core.sshCommand', 'MARK'],
  ['M3: credential.helper', 'credential.helper', '!MARK'],
  ['M3: core.hooksPath', 'core.hooksPath', 'HOOKS'],
  ['M3: core.fsmonitor', 'core.fsmonitor', 'MARK'],
  ['M3: gpg.program', 'gpg.program', 'MARK'],
  ['M3: push.gpgSign', 'push.gpgSign', 'true'],
];

for (const [name, key, value] of settings) {
  it(`${name} in .git/config of the checkout does nothing in maybe-merge`, async (t) => {
    const gate = await makeGate(t);
    const hooks = join(gate.base, 'hooks');
    await mkdir(hooks);
    for (const hook of ['pre-push', 'reference-transaction', 'post-checkout'])
      await symlink(gate.mark, join(hooks, hook));
    const fill = (text: string): string =>
      text.replaceAll('MARK', gate.mark).replaceAll('BARE', gate.bare).replaceAll('HOOKS', hooks);
    await gate.git('config', fill(key), fill(value));
    await gate.git('config', 'protocol.ext.allow', 'always');
    for (const job of ['one', 'two']) gate.pass(job);
    const end = await gate.merge();
    assert.equal(existsSync(gate.marker), false, end.stdout + end.stderr);
    assert.equal(end.status, 0, end.stdout + end.stderr);
    assert.equal(await gate.main(), gate.candidate);
  });
}

it('M3: the configuration of the user and git’s variables start nothing in maybe-merge', async (t) => {
  const gate = await makeGate(t);
  const home = join(gate.base, 'home');
  await mkdir(home);
  const text = `[url "ext::${gate.mark} "]\n\tinsteadOf = ${gate.bare}\n[protocol "ext"]\n\tallow = always\n[core]\n\thooksPath = ${gate.base}\n`;
  await writeFile(join(home, '.gitconfig'), text);
  for (const job of ['one', 'two']) gate.pass(job);
  const end = await gate.merge(undefined, {
    env: {
      ...{ HOME: home, GIT_CONFIG_GLOBAL: join(home, '.gitconfig'), GIT_DIR: join(gate.repo, '.git') },
      ...{ GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'core.fsmonitor', GIT_CONFIG_VALUE_0: gate.mark },
      ...{
        GIT_ALLOW_PROTOCOL: 'ext:file',
        GIT_PROXY_COMMAND: gate.mark,
        GIT_OBJECT_DIRECTORY: join(gate.base, 'x'),
      },
    },
  });
  assert.equal(existsSync(gate.marker), false, end.stdout + end.stderr);
  assert.equal(end.status, 0, end.stderr);
  assert.equal(await gate.main(), gate.candidate);
});

it('M3: the gate takes no remote from .git/config, and none that is a program', async (t) => {
  const gate = await makeGate(t);
  for (const job of ['one', 'two']) gate.pass(job);
  for (const [remote, status, reason] of [
    ['origin', 3, /pass a URL: the names of remotes in \.git\/config are not read/],
    [`ext::${gate.mark}`, 2, /it names a program of git/],
    ['--upload-pack=x', 2, /it starts with "-"|argument missing/],
    ['rsync://host/x', 2, /it must be a path, or a URL/],
    ['a\nb', 2, /control character/],
    ['', 2, /it is empty/],
  ] as const) {
    const end = await gate.merge(['--commit', gate.candidate, '--to', 'main', `--remote=${remote}`]);
    assert.equal(end.status, status, `${remote}: ${end.stdout}${end.stderr}`);
    assert.match(end.stderr, reason);
  }
  assert.equal(existsSync(gate.marker), false);
  assert.equal(await gate.main(), gate.tip);
});

it('M3: a token goes to no other host, and not in clear text', async (t) => {
  const gate = await makeGate(t);
  const seen: string[] = [];
  const other = createServer((request, response) => {
    seen.push(request.headers.authorization ?? '');
    response.writeHead(404).end();
  });
  const first = createServer((request, response) => {
    seen.push(`first ${request.headers.authorization === undefined ? 'none' : 'token'}`);
    const { port } = other.address() as AddressInfo;
    response.writeHead(302, { Location: `http://127.0.0.1:${port}${request.url ?? ''}` }).end();
  });
  for (const server of [other, first]) {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
  }
  const file = join(gate.base, 'token');
  await writeFile(file, 'a-secret-token\n', { mode: 0o600 });
  const { port } = first.address() as AddressInfo;
  const words = ['--commit', gate.candidate, '--to', 'main', '--token-file', file];
  const end = await gate.merge([...words, '--remote', `http://127.0.0.1:${port}/x.git`]);
  assert.equal(end.status, 3, end.stdout + end.stderr);
  assert.deepEqual([...new Set(seen)], ['first token']);
  assert.doesNotMatch(end.stdout + end.stderr, /secret/);
  const clear = await gate.merge([...words, '--remote', 'http://example.org/x.git']);
  assert.equal(clear.status, 2);
  assert.match(clear.stderr, /a token is only sent to an https remote/);
});

it('M5: the gate refuses a program of its own that lies in the checkout', async (t) => {
  const gate = await makeGate(t);
  for (const job of ['one', 'two']) gate.pass(job);
  const installed = join(gate.repo, 'node_modules/soil');
  await mkdir(installed, { recursive: true });
  for (const name of ['dist', 'package.json', 'schema', 'templates', 'shims'])
    await cp(join(repoRoot, name), join(installed, name), { recursive: true });
  await symlink(join(repoRoot, 'node_modules'), join(installed, 'node_modules'));
  await symlink(join(installed, 'dist/worker/main.js'), join(gate.base, 'linked.js'));
  const env = { XDG_STATE_HOME: join(gate.base, 'state'), GITHUB_ACTIONS: '' };
  const words = ['maybe-merge', '--server', 'http://127.0.0.1:9', '--run-id', 'r', '--remote', gate.bare];
  for (const program of [join(installed, 'dist/worker/main.js'), join(gate.base, 'linked.js')]) {
    const end = await run(process.execPath, [program, ...words], { cwd: gate.repo, env });
    assert.equal(end.status, 2, end.stdout + end.stderr);
    assert.match(
      end.stderr,
      /^cannot merge with soil-worker ".*": it lies in ".*", where a job could have replaced it/,
    );
  }
  const workspace = await run(process.execPath, [join(installed, 'dist/worker/main.js'), ...words], {
    ...{ cwd: gate.base, env: { ...env, GITHUB_WORKSPACE: gate.repo } },
  });
  assert.equal(workspace.status, 2);
  await cp(process.execPath, join(gate.repo, 'node'));
  const node = await run(join(gate.repo, 'node'), [soilWorker, ...words], { cwd: gate.repo, env });
  assert.equal(node.status, 2);
  assert.match(node.stderr, /^cannot merge with node "/);
});

it('M5: a git that a task left in node_modules/.bin is not run by the gate', async (t) => {
  const gate = await makeGate(t);
  for (const job of ['one', 'two']) gate.pass(job);
  const bin = join(gate.repo, 'node_modules/.bin');
  await mkdir(bin, { recursive: true });
  await cp(gate.mark, join(bin, 'git'));
  const end = await gate.merge(undefined, { env: { PATH: `${bin}:${process.env.PATH ?? ''}` } });
  assert.equal(existsSync(gate.marker), false);
  assert.equal(end.status, 0, end.stderr);
});

it('the gate leaves nothing behind', async (t) => {
  const gate = await makeGate(t);
  for (const job of ['one', 'two']) gate.pass(job);
  const temporary = join(gate.base, 'tmp');
  await mkdir(temporary);
  await gate.merge(undefined, { env: { TMPDIR: temporary } });
  await gate.merge(['--commit', '0'.repeat(40)], { env: { TMPDIR: temporary } });
  assert.deepEqual(await readdir(temporary), []);
});

it('G8: an answer of the compare API that names a property of every object is not taken for a relation', async (t) => {
  const gate = await makeGate(t);
  for (const job of ['one', 'two']) gate.pass(job);
  for (const word of ['constructor', '__proto__', 'toString', 'hasOwnProperty']) {
    const sent: string[] = [];
    const api = createServer((request, response) => {
      const url = request.url ?? '';
      if (request.method !== 'GET') sent.push(url);
      const ref = { ref: 'refs/heads/main', object: { sha: gate.tip } };
      const body = url.includes('/git/ref/')
        ? JSON.stringify(ref)
        : url.includes('/contents/')
          ? yml('[one, two]')
          : JSON.stringify({ status: word });
      response.end(body);
    });
    await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve));
    const { port } = api.address() as AddressInfo;
    const words = [
      'maybe-merge',
      '--run-id',
      'r',
      '--branch',
      'staging',
      '--commit',
      gate.candidate,
      '--to',
      'main',
    ];
    const end = await worker(
      [...words, '--github', 'o/r', '--github-api', `http://127.0.0.1:${port}`, '--server', gate.server],
      {
        cwd: gate.repo,
        env: {
          SOIL_GITHUB_API_TOKEN: 'a-secret-token',
          GITHUB_ACTIONS: '',
          XDG_STATE_HOME: join(gate.base, 'state'),
        },
      },
    );
    api.closeAllConnections();
    api.close();
    assert.equal(end.status, 3, end.stdout + end.stderr);
    assert.deepEqual(sent, []);
  }
});
