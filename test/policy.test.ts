import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { must, run, soilWorker, worker, type CommandEnd } from './command.js';
import { makeRepo } from './git-repo.js';
import { startServer } from './soil-server.js';

const soilYml = `project: p
jobs:
  greedy:
    image: debian:12
    network: host
    ptrace: true
    git: writable
    engine-flags: [--privileged, '--volume=/:/host', '--memory=2g']
    secrets: [DEPLOY_KEY, STAGING_KEY]
    tasks: [{ name: t, run: 'true' }]
  built:
    build: { file: Containerfile, flags: ['--volume=/:/host'] }
    tasks: [{ name: t, run: 'true' }]
  rootfs: { image: 'rootfs:/', tasks: [{ name: t, run: 'true' }] }
  linked: { image: 'oci:link', tasks: [{ name: t, run: 'true' }] }
  raw: { image: none, tasks: [{ name: t, run: echo ran }] }
`;

const bare = {
  ...{ GITHUB_ACTIONS: undefined, GITHUB_EVENT_NAME: undefined, GITHUB_EVENT_PATH: undefined },
  ...{ SOIL_SERVER: undefined, SOIL_TOKEN: undefined, SOIL_GITHUB_API_TOKEN: undefined, SOIL_RUN: undefined },
  ...{ GITHUB_TOKEN: undefined, GH_TOKEN: undefined, JOB_ID: undefined, JOB_URL: undefined },
};

describe('the policy of a machine', () => {
  let base: string;
  let repo: string;
  before(async () => {
    base = await mkdtemp(join(tmpdir(), 'soil-policy-'));
    repo = await makeRepo({ 'soil.yml': soilYml });
    await symlink('/', join(repo, 'link'));
  });
  after(async () => {
    for (const folder of [base, repo]) await rm(folder, { recursive: true, force: true });
  });

  let count = 0;
  /** Writes a user's policy; returns the folder for XDG_CONFIG_HOME, and the file. */
  async function writePolicy(text: string): Promise<{ config: string; file: string }> {
    const config = join(base, `config${++count}`);
    const file = join(config, 'soil', 'policy.yml');
    await mkdir(join(config, 'soil'), { recursive: true, mode: 0o755 });
    await writeFile(file, text, { mode: 0o644 });
    return { config, file };
  }
  const soil = (args: readonly string[], env: Record<string, string | undefined> = {}): Promise<CommandEnd> =>
    worker(args, { cwd: repo, env: { ...bare, XDG_CONFIG_HOME: join(base, 'none'), ...env } });

  it('without a policy, a job on the raw machine runs as before', async () => {
    const end = await soil(['run', 'raw']);
    assert.equal(end.status, 0, end.stderr);
    assert.doesNotMatch(end.stderr, /not allowed|policy/);
  });

  it('each thing that a job asks for and the policy refuses is named, with key and file, and nothing runs', async () => {
    const { config, file } = await writePolicy(
      [
        "engine-flags: ['--memory=*']",
        'build: false',
        'build-flags: none',
        'image-files: repo',
        'network: [default, none]',
        'ptrace: false',
        'git-writable: false',
        "secrets: 'STAGING_*'",
        'raw: false',
        '',
      ].join('\n'),
    );
    const end = await soil(['run', 'raw', 'greedy', 'built', 'rootfs', 'linked'], {
      XDG_CONFIG_HOME: config,
    });
    assert.equal(end.status, 2);
    assert.equal(end.stdout, '');
    assert.deepEqual(end.stderr.trim().split('\n'), [
      `cannot run job "raw": the raw machine ("image: none") is not allowed: key "raw" of ${file}`,
      `cannot run job "greedy": engine flag "--privileged" is not allowed: key "engine-flags" of ${file}`,
      `cannot run job "greedy": engine flag "--volume=/:/host" is not allowed: key "engine-flags" of ${file}`,
      `cannot run job "greedy": network "host" is not allowed: key "network" of ${file}`,
      `cannot run job "greedy": secret "DEPLOY_KEY" is not allowed: key "secrets" of ${file}`,
      `cannot run job "greedy": "ptrace: true" is not allowed: key "ptrace" of ${file}`,
      `cannot run job "greedy": "git: writable" is not allowed: key "git-writable" of ${file}`,
      `cannot run job "built": "build" is not allowed: key "build" of ${file}`,
      `cannot run job "built": build flag "--volume=/:/host" is not allowed: key "build-flags" of ${file}`,
      `cannot run job "rootfs": image "rootfs:/" is not allowed: key "image-files" of ${file}`,
      `cannot run job "linked": image "oci:link" is not allowed: key "image-files" of ${file}`,
    ]);
  });

  it('run, local and shell refuse the same', async () => {
    const { config } = await writePolicy('raw: false\n');
    for (const args of [
      ['run', 'raw'],
      ['local', 'raw'],
      ['shell', 'raw', '-c', 'true'],
    ]) {
      const end = await soil(args, { XDG_CONFIG_HOME: config });
      assert.equal(end.status, 2, args.join(' '));
      assert.match(end.stderr, /cannot run job "raw": the raw machine .* is not allowed: key "raw" of /);
    }
    const swapped = await soil(['run', 'greedy', '--image', 'none'], { XDG_CONFIG_HOME: config });
    assert.match(swapped.stderr, /the raw machine .* is not allowed/);
  });

  it('images are allowed by name', async () => {
    const { config } = await writePolicy("images: ['localhost/*']\n");
    const end = await soil(['run', 'greedy'], { XDG_CONFIG_HOME: config });
    assert.match(end.stderr, /image "debian:12" is not allowed: key "images" of /);
  });

  it('a faulty policy stops every job, with the line of the mistake', async () => {
    const { config, file } = await writePolicy('raw: maybe\nengin-flags: none\n');
    const end = await soil(['run', 'raw'], { XDG_CONFIG_HOME: config });
    assert.equal(end.status, 2);
    assert.ok(
      end.stderr.includes(`${file}:1:6: cannot accept raw "maybe": it must be true or false`),
      end.stderr,
    );
    assert.match(end.stderr, /:2:1: cannot accept key "engin-flags" .*\(did you mean engine-flags\?\)/);
    const empty = await writePolicy('');
    assert.equal((await soil(['run', 'raw'], { XDG_CONFIG_HOME: empty.config })).status, 2);
  });

  it('a policy that others can write, that is no file, or that lies in the repo is refused', async () => {
    const { config, file } = await writePolicy('raw: true\n');
    await chmod(file, 0o666);
    const loose = await soil(['run', 'raw'], { XDG_CONFIG_HOME: config });
    assert.equal(loose.status, 2);
    assert.ok(
      loose.stderr.includes(`other users can write "${file}"; run: chmod go-w ${file}`),
      loose.stderr,
    );
    await chmod(file, 0o644);
    await chmod(join(config, 'soil'), 0o777);
    assert.match((await soil(['run', 'raw'], { XDG_CONFIG_HOME: config })).stderr, /other users can write/);
    await chmod(join(config, 'soil'), 0o755);
    await rm(file);
    await must('mkfifo', [file]);
    assert.match((await soil(['run', 'raw'], { XDG_CONFIG_HOME: config })).stderr, /not a regular file/);
    await rm(file);
    await symlink(join(base, 'missing'), file);
    assert.match((await soil(['run', 'raw'], { XDG_CONFIG_HOME: config })).stderr, /cannot use policy/);

    const inside = await makeRepo({ 'soil.yml': soilYml, '.config/soil/policy.yml': 'raw: true\n' });
    try {
      await chmod(join(inside, '.config/soil/policy.yml'), 0o644);
      for (const args of [
        ['run', 'raw'],
        ['local', 'raw'],
      ]) {
        const end = await worker(args, {
          cwd: inside,
          env: { ...bare, XDG_CONFIG_HOME: undefined, HOME: inside },
        });
        assert.equal(end.status, 2);
        assert.match(end.stderr, /cannot use policy .*: it lies in the repo/);
      }
    } finally {
      await rm(inside, { recursive: true, force: true });
    }
  });

  it("the machine's policy holds beside the user's, which can only be stricter", async () => {
    const { config, file } = await writePolicy('raw: true\nptrace: false\n');
    const etc = join(base, 'etc');
    await mkdir(join(etc, 'soil'), { recursive: true, mode: 0o755 });
    await writeFile(join(etc, 'soil', 'policy.yml'), 'raw: false\nptrace: true\n', { mode: 0o644 });
    const inOwnEtc = (...args: string[]): Promise<CommandEnd> =>
      run(
        'unshare',
        [
          ...[
            '-m',
            'sh',
            '-ec',
            'mount -t overlay none -o "lowerdir=$1:/etc" /etc; shift; exec "$@"',
            'sh',
            etc,
          ],
          ...[process.execPath, soilWorker, ...args],
        ],
        { cwd: repo, env: { ...bare, XDG_CONFIG_HOME: config } },
      );
    const end = await inOwnEtc('run', 'raw', 'greedy');
    assert.equal(end.status, 2, end.stderr);
    assert.deepEqual(end.stderr.trim().split('\n'), [
      'cannot run job "raw": the raw machine ("image: none") is not allowed: key "raw" of /etc/soil/policy.yml',
      `cannot run job "greedy": "ptrace: true" is not allowed: key "ptrace" of ${file}`,
    ]);
    const doctor = await inOwnEtc('doctor', '--json');
    const { findings } = JSON.parse(doctor.stdout) as { findings: { check: string; text: string }[] };
    const text = findings.find(({ check }) => check === 'policy')?.text;
    assert.equal(text, `/etc/soil/policy.yml (raw: false) and ${file} (ptrace: false)`);
  });

  it('--untrusted applies the strict policy beside the files', async () => {
    const end = await soil(['run', 'raw', 'greedy', 'built', 'rootfs', 'linked', '--untrusted']);
    assert.equal(end.status, 2);
    const refused = [
      ...end.stderr.matchAll(/job "(\w+)": (.*?) is not allowed: the job is untrusted \(--untrusted\)/g),
    ];
    assert.deepEqual(
      refused.map(([, job = '', what = '']) => `${job}: ${what}`),
      [
        'raw: the raw machine ("image: none")',
        ...['"--privileged"', '"--volume=/:/host"', '"--memory=2g"'].map(
          (flag) => `greedy: engine flag ${flag}`,
        ),
        ...['greedy: network "host"', 'greedy: secret "DEPLOY_KEY"', 'greedy: secret "STAGING_KEY"'],
        ...['greedy: "ptrace: true"', 'greedy: "git: writable"', 'built: build flag "--volume=/:/host"'],
        ...['rootfs: image "rootfs:/"', 'linked: image "oci:link"'],
      ],
    );
  });

  it('a job of an event of a fork is untrusted, unless --no-untrusted trusts it', async () => {
    const commit = (await must('git', ['-C', repo, 'rev-parse', 'HEAD'])).trim();
    const event = join(base, 'event.json');
    const repository = (id: number) => ({ repo: { id } });
    const pull = (head: unknown) => JSON.stringify({ pull_request: { head, base: repository(1) } });
    const trustOf = async (name: string, content: string, ...more: string[]): Promise<string> => {
      await writeFile(event, content);
      const end = await soil(['run', 'raw', ...more], {
        ...{ GITHUB_ACTIONS: 'true', GITHUB_EVENT_NAME: name, GITHUB_EVENT_PATH: event },
        ...{ GITHUB_RUN_ID: '1', GITHUB_RUN_NUMBER: '1', GITHUB_SHA: commit },
      });
      return /untrusted \((.*)\)/.exec(end.stderr)?.[1] ?? `status ${String(end.status)}`;
    };
    assert.equal(await trustOf('push', '{}'), 'status 0');
    assert.equal(await trustOf('pull_request', pull(repository(1))), 'status 0');
    assert.equal(await trustOf('pull_request', pull(repository(2))), 'event pull_request of a fork');
    assert.equal(await trustOf('pull_request', pull({ repo: null })), 'event pull_request of a fork');
    assert.equal(await trustOf('pull_request', '{'), 'event pull_request of a fork');
    assert.equal(
      await trustOf('pull_request_review', pull(repository(2))),
      'event pull_request_review of a fork',
    );
    assert.equal(await trustOf('pull_request_target', pull(repository(1))), 'event pull_request_target');
    assert.equal(await trustOf('workflow_run', '{}'), 'event workflow_run');
    assert.equal(await trustOf('workflow_run', '{}', '--no-untrusted'), 'status 0');
  });

  it('the policy can make every job, or those of forks, untrusted whatever the options say', async () => {
    const always = await writePolicy('untrusted: always\n');
    const end = await soil(['run', 'raw'], { XDG_CONFIG_HOME: always.config });
    assert.ok(end.stderr.includes(`the job is untrusted (untrusted: always in ${always.file})`), end.stderr);
    const trusted = await soil(['run', 'raw', '--no-untrusted'], { XDG_CONFIG_HOME: always.config });
    assert.equal(trusted.status, 2);
    assert.equal(trusted.stderr, `cannot accept --no-untrusted: ${always.file} has untrusted: always\n`);
    const forks = await writePolicy('untrusted: forks\n');
    const fork = { GITHUB_ACTIONS: 'true', GITHUB_EVENT_NAME: 'workflow_run', XDG_CONFIG_HOME: forks.config };
    assert.match((await soil(['run', 'raw', '--no-untrusted'], fork)).stderr, /has untrusted: forks/);
    assert.equal((await soil(['run', 'raw'], { XDG_CONFIG_HOME: forks.config })).status, 0);
  });

  it('publishing can be refused, and publishing of raw jobs while they run', async () => {
    const server = { SOIL_SERVER: 'http://127.0.0.1:9/', SOIL_TOKEN: 'a-secret-token' };
    const none = await writePolicy('publish: false\n');
    await writeFile(join(repo, 'file.tar'), '');
    for (const args of [
      ['run', 'raw', '--publish'],
      ['publish', 'raw'],
      ['announce', 'raw'],
      ['artifact', 'put', 'file.tar'],
    ]) {
      const end = await soil(args, { ...server, XDG_CONFIG_HOME: none.config });
      assert.equal(end.status, 2, args.join(' '));
      assert.ok(end.stderr.includes(`publishing is not allowed: key "publish" of ${none.file}`), end.stderr);
    }
    const raw = await writePolicy('publish-raw: false\n');
    const end = await soil(['run', 'raw', '--publish'], { ...server, XDG_CONFIG_HOME: raw.config });
    assert.equal(end.status, 2);
    assert.match(
      end.stderr,
      /publishing a job on the raw machine while it runs is not allowed: key "publish-raw" of/,
    );
  });
});

describe('tokens and jobs on the raw machine', () => {
  it('run says what raw tasks can read; announce and publish keep the token from them', async (t) => {
    const server = await startServer();
    t.after(() => server.close());
    const repo = await makeRepo({
      'soil.yml':
        'project: p\njobs: { raw: { image: none, tasks: [{ name: t, run: "cat /proc/[0-9]*/environ || true" }] } }\n',
    });
    t.after(() => rm(repo, { recursive: true, force: true }));
    const where = { ...bare, SOIL_SERVER: server.url, SOIL_RUN: 'r1' };
    const soil = (args: readonly string[], env: Record<string, string | undefined>): Promise<CommandEnd> =>
      worker(args, { cwd: repo, env: { ...where, ...env } });

    const beside = await soil(['run', 'raw', '--publish'], {
      SOIL_TOKEN: server.token,
      SOIL_GITHUB_API_TOKEN: 'x'.repeat(20),
    });
    assert.equal(beside.status, 2);
    assert.match(
      beside.stderr,
      /cannot run and publish job "raw" on the raw machine with SOIL_GITHUB_API_TOKEN set/,
    );

    const unnamed = await soil(['announce', 'raw'], { SOIL_TOKEN: server.token, SOIL_RUN: undefined });
    assert.equal(unnamed.status, 2);
    assert.match(unnamed.stderr, /a local run without a name gets a new one in each step/);

    const announced = await soil(['announce', 'raw'], { SOIL_TOKEN: server.token });
    assert.equal(announced.status, 0, announced.stderr);
    const url = /^results will be at (\S+)\n$/.exec(announced.stdout)?.[1] ?? '';
    const page = await (await fetch(url)).text();
    assert.match(page, /running/);
    assert.match(page, /its tasks and logs appear when its results are published/);
    const ran = await soil(['run', 'raw'], { SOIL_TOKEN: undefined });
    assert.deepEqual([ran.status, ran.stderr], [0, '']);
    const published = await soil(['publish', 'raw'], { SOIL_TOKEN: server.token });
    assert.equal(published.status, 0, published.stderr);
    assert.match(published.stdout, new RegExp(url.replace(/[.?]/g, '\\$&')));
    assert.match(await (await fetch(url)).text(), /passed/);

    const open = await soil(['run', 'raw'], { SOIL_TOKEN: 'an-open-token', GITHUB_TOKEN: 'another-token' });
    assert.equal(open.status, 0);
    assert.match(
      open.stderr,
      /^notice: tasks of job "raw" run .* can read SOIL_TOKEN, GITHUB_TOKEN; to keep .*\n$/,
    );
  });
});
