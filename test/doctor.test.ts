import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { startFaultyProxy } from './faulty-proxy.js';
import { must, repoRoot, run, soilServer, worker, type CommandEnd } from './command.js';
import { makeRepo } from './git-repo.js';
import { startServer, type RunningServer } from './soil-server.js';

interface Report {
  readonly ok: boolean;
  readonly findings: readonly {
    readonly check: string;
    readonly state: string;
    readonly text: string;
    readonly fix?: string;
  }[];
}

const parseReport = (end: CommandEnd): Report => {
  assert.ok(end.status === 0 || end.status === 1, end.stderr + end.stdout);
  const json = JSON.parse(end.stdout) as Report;
  assert.equal(end.status, json.ok ? 0 : 1);
  assert.equal(
    json.ok,
    json.findings.every(({ state }) => state !== 'problem'),
  );
  return json;
};
const finding = (all: Report, check: string) => {
  const found = all.findings.find((f) => f.check === check);
  assert.ok(found, check);
  return found;
};
const bare = { GITHUB_ACTIONS: undefined, SOIL_SERVER: undefined, SOIL_TOKEN: undefined, JOB_ID: undefined };

/** Runs on a private copy of /etc, so that what a fix writes there disappears with it. */
describe('soil-worker doctor on a machine with a problem, before and after its fix', () => {
  let folder: string;
  let repo: string;
  let box: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'soil-doctor-test-'));
    await chmod(folder, 0o755);
    box = join(folder, 'box');
    await mkdir(box);
    await cp('/bin/busybox', join(box, 'busybox'));
    for (const name of ['etc', 'soil', 'home']) await mkdir(join(folder, name));
    await chmod(join(folder, 'home'), 0o777);
    repo = await makeRepo({
      'soil.yml': 'project: p\njobs: { a: { image: none, tasks: [{ name: a, run: x }] } }\n',
    });
    await cp('/etc/containers', join(folder, 'containers'), { recursive: true }).catch(() =>
      mkdir(join(folder, 'containers')),
    );
    await writeFile(
      join(folder, 'storage.conf'),
      `[storage]\ndriver="overlay"\ngraphroot="${folder}/graph"\nrunroot="${folder}/run"\n`,
    );
  });
  after(async () => {
    // No reset: the machine's own podman would forget its running containers.
    await run('podman', ['rm', '--all', '--force', '--time', '0'], {
      env: { CONTAINERS_STORAGE_CONF: join(folder, 'storage.conf') },
    });
    await run('umount', [join(folder, 'graph', 'overlay')]);
    await rm(folder, { recursive: true, force: true });
    await rm(repo, { recursive: true, force: true });
  });
  /** Runs a shell script where /etc is writable and every user finds Soil at /.../soil. */
  const onMachine = (script: string): Promise<CommandEnd> => {
    const prepare = [
      `mount -t tmpfs tmpfs '${folder}/etc'`,
      `mkdir '${folder}/etc/upper' '${folder}/etc/work'`,
      `mount -t overlay -o 'lowerdir=/etc,upperdir=${folder}/etc/upper,workdir=${folder}/etc/work' overlay /etc`,
      `mount --bind '${repoRoot}' '${folder}/soil'`,
      'sudo() { "$@"; }',
      `doctor() { "$@" '${process.execPath}' '${folder}/soil/dist/worker/main.js' doctor --json; }`,
    ].join('\n');
    return run('unshare', ['--mount', 'sh', '-euc', `${prepare}\ncd '${repo}'\n${script}`], {
      env: {
        ...{ ...bare, HOME: join(folder, 'home'), CONTAINERS_STORAGE_CONF: join(folder, 'storage.conf') },
        ...{ XDG_CONFIG_HOME: undefined, CONTAINERS_CONF: undefined, GIT_CONFIG_NOSYSTEM: '1' },
      },
    });
  };
  /** Runs doctor, runs the fix of a check as it is printed, and runs doctor again. */
  const runFix = async (check: string, as: string): Promise<readonly [Report, Report]> => {
    await rm(join(folder, 'home', '.gitconfig'), { force: true });
    const first = parseReport(await onMachine(`doctor ${as} || exit 1`));
    const { state, fix = '' } = finding(first, check);
    assert.equal(state, 'problem', JSON.stringify(first, null, 1));
    const again = await onMachine(
      `{ as() { ${check === 'subuid' ? '' : as} sh -c "$1"; }; ${check === 'subuid' ? `eval '${fix.replaceAll("'", `'\\''`)}'` : `as '${fix.replaceAll("'", `'\\''`)}'`}; } >&2\ndoctor ${as} || exit 1`,
    );
    return [first, parseReport(again)];
  };
  // A limit can be lowered, but not everywhere raised.
  const hardLimit = Number(execFileSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' })) || 5000;
  const files = Math.min(hardLimit, 5000);
  const limited = `prlimit --nofile=${files}:${files} setpriv --bounding-set=-sys_resource`;
  const nobody = 'setpriv --reuid=65534 --regid=65534 --clear-groups';

  it('container: podman cannot raise limits; the fix lets it run a container', async () => {
    // In a namespace of process ids, as a container has one, podman leaves the limits as they are: there is no problem.
    if (
      (
        await onMachine(
          `${limited} podman --runtime runc run --rm --network none --rootfs '${box}:O' /busybox true`,
        )
      ).status === 0
    ) {
      assert.equal(
        finding(parseReport(await onMachine(`doctor ${limited} || exit 1`)), 'container').state,
        'ok',
      );
      return;
    }
    const [first, second] = await runFix('container', limited);
    assert.match(finding(first, 'container').text, /rlimit.*this process lacks CAP_SYS_RESOURCE/);
    assert.equal(finding(second, 'container').state, 'ok', JSON.stringify(second, null, 1));
  });

  it('safe-directory: the repo belongs to another user; the fix makes git trust it', async () => {
    const [first, second] = await runFix('safe-directory', nobody);
    assert.match(finding(first, 'safe-directory').text, /git does not trust .*: it belongs to another user/);
    assert.equal(finding(second, 'safe-directory').state, 'ok');
  });

  it('git-identity: no user.name and user.email; the fix sets them', async () => {
    const [, second] = await runFix('git-identity', nobody);
    assert.equal(finding(second, 'git-identity').state, 'ok');
  });

  it('subuid: an ordinary user has no subordinate ids; the fix adds some', async () => {
    const [first, second] = await runFix('subuid', nobody);
    assert.match(
      finding(first, 'subuid').text,
      /nobody has no subordinate ids in \/etc\/subuid and \/etc\/subgid/,
    );
    assert.equal(finding(second, 'subuid').state, 'ok');
  });

  it('limits: reports a limit of too few open files', async () => {
    const all = parseReport(await onMachine('doctor prlimit --nofile=500:500 || exit 1'));
    assert.match(finding(all, 'limits').text, /can open only 500 files/);
    assert.match(finding(all, 'limits').fix ?? '', /limits\.d\/soil\.conf/);
  });

  it('an ordinary user without the programs of rootless podman: each is reported with its package', async () => {
    const path = join(folder, 'path');
    await mkdir(path);
    for (const program of ['git', 'podman', 'sh'])
      await must('ln', ['-s', `/usr/bin/${program}`, join(path, program)]);
    const all = parseReport(await onMachine(`doctor env PATH='${path}' /usr/bin/${nobody} || exit 1`));
    assert.match(finding(all, 'newuidmap').fix ?? '', /^sudo \S.* uidmap$/);
    assert.match(finding(all, 'rootless-network').fix ?? '', /slirp4netns$/);
  });

  it('no engine: the fix installs one', async () => {
    const empty = join(folder, 'empty');
    await mkdir(empty);
    const all = parseReport(await worker(['doctor', '--json'], { cwd: repo, env: { ...bare, PATH: empty } }));
    assert.match(finding(all, 'engine').text, /podman: .*ENOENT; docker: .*ENOENT/);
    assert.match(finding(all, 'engine').fix ?? '', /install -y podman uidmap slirp4netns$/);
    assert.equal(finding(all, 'git').state, 'problem');
    const docker = parseReport(
      await worker(['doctor', '--json', '--engine', 'docker'], {
        ...{ cwd: repo, env: { ...bare, DOCKER_HOST: 'unix:///nowhere/docker.sock' } },
      }),
    );
    assert.match(finding(docker, 'engine').fix ?? '', /systemctl start docker/);
  });
});

describe('soil-worker doctor with a server', () => {
  let server: RunningServer;
  let repo: string;
  before(async () => {
    server = await startServer();
    repo = await makeRepo({});
  });
  after(async () => {
    await server.close();
    await rm(repo, { recursive: true, force: true });
  });
  const doctor = async (env: Record<string, string>): Promise<Report> =>
    parseReport(
      await worker(['doctor', '--json'], { cwd: repo, env: { ...bare, PATH: '/usr/bin:/bin', ...env } }),
    );
  const newToken = async (...args: string[]): Promise<string> => {
    const words = ['token', 'create', '--site', server.site, '--id', 'other', ...args];
    return (await must(process.execPath, [soilServer, ...words])).trim().split('\n').at(-1) ?? '';
  };

  it('no problems: the server is up, the clocks agree, the token allows everything and is in no message', async () => {
    const all = await doctor({ SOIL_SERVER: server.url, SOIL_TOKEN: server.token });
    for (const check of ['server', 'clock', 'token']) assert.equal(finding(all, check).state, 'ok', check);
    assert.match(finding(all, 'token').text, /token test: append, event, status; jobs \*, worker host any/);
    assert.ok(!JSON.stringify(all).includes(server.token));
  });

  it('the token is missing, wrong, lacks an action or expires soon', async () => {
    const state = async (token: string): Promise<string> => {
      const found = finding(
        await doctor({ SOIL_SERVER: server.url, ...(token && { SOIL_TOKEN: token }) }),
        'token',
      );
      assert.match(found.fix ?? '', /soil-server token create --site SITE/);
      return found.text;
    };
    assert.match(await state(''), /no token: SOIL_TOKEN is not set/);
    assert.match(await state('soil_ci_test_wrongwrong'), /cannot accept the token/);
    assert.match(
      await state(await newToken('--actions', 'append,event')),
      /token other lacks the action status: maybe-merge ignores the jobs/,
    );
    const soon = await newToken('--actions', 'append,event,status', '--expires', '3');
    assert.match(await state(soon), /token other expires in [23] days/);
  });

  it('the server does not answer, is not a Soil server, or has another time', async (t) => {
    const unused = await startFaultyProxy(
      () => undefined,
      () => ({ kind: 'drop' }),
    );
    await unused.close();
    const down = finding(await doctor({ SOIL_SERVER: unused.url }), 'server');
    assert.match(down.text, /does not answer: .*ECONNREFUSED/);
    assert.equal(down.fix, `curl -v ${unused.url}readyz`);
    const date = new Date(Date.now() - 7_200_000).toUTCString();
    const other = await startFaultyProxy(
      () => server.url,
      () => ({
        kind: 'answer',
        text: `HTTP/1.1 200 OK\r\nDate: ${date}\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello`,
      }),
    );
    t.after(() => other.close());
    const all = await doctor({ SOIL_SERVER: other.url });
    assert.match(finding(all, 'server').text, /answered 200 to \/readyz: not a Soil server/);
    assert.match(finding(all, 'clock').text, /this clock is 7\d\d\d s ahead of the server's/);
    assert.match(finding(all, 'clock').fix ?? '', /timedatectl set-ntp true/);
  });

  it('prints one line for each check, with its fix below, and no control sequences', async () => {
    const end = await worker(['doctor'], { cwd: repo, env: { ...bare, PATH: '/usr/bin:/bin' } });
    assert.equal(end.status, 1);
    assert.match(end.stdout, /^FAIL {3}soil-yml +no soil\.yml in .*\n {7}fix: +cd \S+ && soil-worker init$/m);
    assert.match(end.stdout, /\d problems; see docs\/troubleshooting\.md\n$/);
    assert.doesNotMatch(end.stdout, /\u001b/);
  });
});
