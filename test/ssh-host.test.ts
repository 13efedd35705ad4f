/** Tests of `image: ssh:DEST` with a real sshd: what goes over, what comes back, and what happens when it breaks. */
// cspell:ignore drwx
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { access, chmod, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { must, worker } from './command.js';
import { makeRepo } from './git-repo.js';
import { jobYaml, runJobYaml, startJob, type JobOptions } from './job-fixture.js';
import { openSshMachine, type SshMachine, type SshMachineOptions } from './ssh-machine.js';
import { isProcessRunning, waitForFile, waitUntil } from './wait-for.js';

const newWord = (): string => `soil${randomBytes(6).toString('hex')}`;

const missing = (path: string) => assert.rejects(access(path));

describe('a job on another machine', () => {
  let machine: SshMachine;
  before(async () => {
    machine = await openSshMachine();
  });
  after(() => machine.close());
  const runJob = (t: TestContext, tasks: string, more = '', options: JobOptions = {}) =>
    runJobYaml(t, machine, jobYaml(machine, tasks, more), options);
  const nothingLeft = async () => {
    assert.deepEqual(await machine.folders(), [], 'no folder is left there');
  };

  it('runs in a copy of the repo with its commit, and leaves the repo here and the machine there as they were', async (t) => {
    const tasks = `
- {name: shows, run: 'echo out; echo err >&2; git log -1 --format=%s; git status --short; git describe --always; pwd'}
- {name: fails, run: 'exit 3'}
- {name: made, run: 'cat made-before; mkdir rep; echo x >rep/a.html; git -c user.name=x -c user.email=x@x commit -q --allow-empty -m there'}
- {name: sees, run: 'cat rep/a.html; git log -1 --format=%s; echo "$SOIL_JOB $CI"'}`;
    const job = await runJob(t, tasks, 'artifacts: [rep/a.html]', {
      files: { 'made-before': 'before\n' },
      env: { SOIL_TOKEN: 'tok-en' },
    });
    assert.deepEqual(
      job.summary,
      ['shows 0 passed', 'fails 3 failed', 'made 0 passed', 'sees 0 passed'],
      job.output,
    );
    const shown = (await job.log('shows')).split('\n');
    assert.deepEqual(shown.slice(0, 3), ['out', 'err', 'A change: größer']);
    assert.match(shown.at(-2) ?? '', /\/cache\/soil\/soil-[0-9a-f]{32}\.[^/]+\/repo$/);
    assert.match(await job.log('made'), /^before\n/);
    assert.match(await job.log('sees'), /^x\nthere\njob true\n$/);
    await missing(join(job.repo, 'rep'));
    await nothingLeft();
  });

  it('fetches results and artifacts, and nothing else', async (t) => {
    const tasks = `
- name: makes
  run: |
    mkdir -p rep/sub 'a b' out
    echo html >rep/index.html; echo b >rep/sub/b.txt; echo c >'a b/größe.xml'; echo d >other
    echo literal >'q{1,2}.txt'
    ln -s /etc/passwd rep/link
    mkfifo rep/pipe
    head -c 3000000 /dev/zero >out/large.bin
  results: ['rep', '**/*.xml', 'q{1,2}.txt']
  result-html: rep/index.html
- {name: none, run: 'true', results: nothing}`;
    const job = await runJob(t, tasks, 'artifacts: [out/large.bin, out/missing]');
    assert.deepEqual(job.summary, ['makes 0 passed', 'none 0 passed'], job.output);
    const names = (await must('unzip', ['-Z1', join(job.out, 'job.wwz')])).split('\n');
    for (const name of ['rep/index.html', 'rep/sub/b.txt', 'a b/größe.xml', 'q{1,2}.txt']) {
      assert.ok(names.includes(name), `${name} in ${names.join(' ')}`);
    }
    for (const name of ['rep/link', 'rep/pipe', 'other']) assert.ok(!names.includes(name), name);
    assert.equal(job.rows[0]?.resultHtml, 'rep/index.html');
    assert.match(job.output, /task "none": no file matches result "nothing"/);
    await nothingLeft();
  });

  it('tasks-from, parallel, tty, working-folder, env, secrets and isolate work there', async (t) => {
    const listed = await runJobYaml(
      t,
      machine,
      jobYaml(machine, '', 'tasks-from: ./list.sh\nparallel: 3\nenv: {COLOR: blue}\nsecrets: [KEY_OF_TEST]'),
      {
        files: {
          'list.sh':
            '#!/bin/sh\necho "one ./say.sh uno out/one.txt"\necho "two ./say.sh due -"\necho "three ./say.sh tre -"\n',
          'say.sh':
            '#!/bin/sh\nmkdir -p out; echo "$1" >out/$1.txt; echo x >out/one.txt; echo "$1 $COLOR $KEY_OF_TEST"\n',
        },
        env: { KEY_OF_TEST: 'a-secret-value' },
      },
    );
    assert.deepEqual(listed.summary, ['one 0 passed', 'two 0 passed', 'three 0 passed'], listed.output);
    assert.match(await listed.log('two'), /^due blue \*+\n$/);
    const names = (await must('unzip', ['-Z1', join(listed.out, 'job.wwz')])).split('\n');
    assert.ok(names.includes('out/one.txt'));
    await nothingLeft();
    const tasks = `
- {name: terminal, run: 'test -t 0 && test -t 1 && echo yes', tty: true}
- {name: folder, run: 'basename "$PWD"', working-folder: sub}
- {name: leaves, run: '(sleep 300; : \${0}) & echo left'}
- {name: after, run: 'sleep 0.1; echo after'}`;
    const others = await runJob(t, tasks, 'isolate: true', { files: { 'sub/x': '' } });
    assert.deepEqual(
      others.summary,
      ['terminal 0 passed', 'folder 0 passed', 'leaves 0 passed', 'after 0 passed'],
      others.output,
    );
    assert.match(await others.log('terminal'), /yes/);
    assert.equal(await others.log('folder'), 'sub\n');
    await nothingLeft();
  });

  it('output that comes late goes to the log of its own task, in order and whole', async (t) => {
    const tasks = `
- {name: first, run: '(i=0; while [ $i -lt 400 ]; do i=$((i+1)); echo "late $i"; done; sleep 0.3; echo last) & echo now'}
- {name: second, run: 'sleep 0.1; echo second'}
- {name: third, run: 'sleep 0.5; echo third'}`;
    const job = await runJob(t, tasks);
    assert.deepEqual(job.summary, ['first 0 passed', 'second 0 passed', 'third 0 passed'], job.output);
    assert.equal(await job.log('second'), 'second\n');
    assert.equal(await job.log('third'), 'third\n');
    const lines = (await job.log('first')).split('\n').filter((line) => !line.startsWith('soil: '));
    const expected = Array.from({ length: 400 }, (_, i) => `late ${i + 1}`);
    assert.deepEqual(
      lines.filter((line) => line !== 'now'),
      [...expected, 'last', ''],
    );
    assert.match(await job.log('first'), /soil: processes that the task left running printed what follows/);
    await nothingLeft();
  });

  it('output of every size and shape arrives whole', async (t) => {
    const tasks = `
- {name: large, run: 'head -c 50000000 /dev/zero | tr "\\\\0" x'}
- {name: binary, run: 'head -c 300000 /dev/urandom >r; cat r; cksum <r >&2'}
- {name: nothing, run: 'true'}
- {name: no end, run: 'printf abc'}
- {name: again, run: 'echo one; echo two >/dev/stderr; echo three | tee /dev/stderr >/dev/null'}`;
    const job = await runJob(t, tasks);
    assert.ok(
      job.rows.every((row) => row.outcome === 'passed'),
      job.output,
    );
    assert.equal((await readFile(join(job.out, 'logs/large.txt'))).length, 50_000_000);
    assert.ok((await readFile(join(job.out, 'logs/binary.txt'))).length > 300_000);
    assert.equal(await job.log('nothing'), '');
    assert.equal(await job.log('no end'), 'abc');
    assert.equal(await job.log('again'), 'one\ntwo\nthree\n');
  });

  it('the record describes the other machine', async (t) => {
    const job = await runJob(t, `- {name: a, run: 'uname -n; nproc'}`);
    const [name = '', cpus = ''] = (await job.log('a')).split('\n');
    assert.equal(job.record.machine?.name, name);
    assert.equal(job.record.machine.cpus, Number(cpus));
    assert.ok(job.record.machine.memoryBytes > 1_000_000);
    assert.match(job.record.machine.system, /^Linux \d/);
    assert.equal(job.record.machine.architecture, process.arch);
  });

  it('a time limit and a cancellation end every process of a task there', async (t) => {
    const word = newWord();
    const stubborn = `sh -c 'trap "" TERM HUP INT; while :; do sleep 1; done; : ${word}'`;
    const tasks = `
- name: late
  timeout: 1s
  run: |
    ${stubborn} &
    setsid ${stubborn} &
    (setsid ${stubborn} </dev/null >/dev/null 2>&1 &) &
    while :; do sleep 1; done
- {name: next, run: 'echo still here'}
- name: long
  run: |
    setsid ${stubborn} & touch /tmp/${word}; wait`;
    const started = await startJob(machine, jobYaml(machine, tasks, 'grace: 1s'));
    t.after(() => rm(started.repo, { recursive: true, force: true }));
    t.after(() => rm(`/tmp/${word}`, { force: true }));
    await Promise.race([waitForFile(`/tmp/${word}`), started.ended]);
    started.signal('SIGTERM');
    const job = await started.ended;
    assert.deepEqual(job.summary, ['late 124 timed-out', 'next 0 passed', 'long 130 cancelled'], job.output);
    assert.equal(job.record.outcome, 'cancelled');
    assert.equal(await isProcessRunning(word), false);
    await nothingLeft();
  });

  it('nothing secret is on a command line there, and no folder of the job can be entered by others', async (t) => {
    const tasks = `
- name: looks
  run: |
    printf %s "$KEY_OF_TEST" >key
    for file in /proc/[0-9]*/cmdline; do tr '\\0' ' ' <$file; echo; done 2>/dev/null | grep -cFf key || true
    ls -ld "$PWD/.." | cut -c1-10`;
    const job = await runJob(t, tasks, 'secrets: [KEY_OF_TEST]', {
      env: { KEY_OF_TEST: 'another-secret-value' },
    });
    assert.equal(await job.log('looks'), '0\ndrwx------\n', job.output);
  });

  it('soil-worker shell -c runs in a copy of the repo there, with the status of the command', async (t) => {
    const repo = await makeRepo({
      'soil.yml': jobYaml(machine, `- {name: a, run: 'true'}`, 'env: {A: b c}'),
    });
    t.after(() => rm(repo, { recursive: true, force: true }));
    const shell = (command: string, input = '') =>
      worker(['shell', 'job', '-c', command], { cwd: repo, env: machine.environment, input });
    const shown = await shell('pwd; cat soil.yml | head -1; echo "$A"; cat; exit 7', 'typed\n');
    assert.equal(shown.status, 7, shown.stderr);
    assert.match(shown.stdout, /\/cache\/soil\/soil-.*\/repo\nproject: test\nb c\ntyped\n$/);
    assert.equal((await shell('kill -9 $$')).status, 137);
    await nothingLeft();
  });

  it('soil-worker local runs the commit there', async (t) => {
    const repo = await makeRepo({
      'soil.yml': jobYaml(machine, `- {name: a, run: 'cat x; test ! -e y'}`),
      x: 'committed\n',
    });
    t.after(() => rm(repo, { recursive: true, force: true }));
    await writeFile(join(repo, 'y'), 'not committed');
    const end = await worker(['local', 'job'], { cwd: repo, env: machine.environment });
    assert.equal(end.status, 0, `${end.stdout}${end.stderr}`);
    await nothingLeft();
  });

  it('a destination that ssh could read as an option is refused, and starts nothing', async (t) => {
    const repo = await makeRepo({
      'soil.yml': 'project: p\njobs: {job: {image: none, tasks: [{name: a, run: x}]}}\n',
    });
    t.after(() => rm(repo, { recursive: true, force: true }));
    const mark = join(repo, 'ran');
    for (const destination of [
      `-oProxyCommand=touch ${mark}`,
      `x@-oProxyCommand=touch\${IFS}${mark}`,
      '-Fx',
    ]) {
      const end = await worker(['run', 'job', '--image', `ssh:${destination}`], {
        cwd: repo,
        env: machine.environment,
      });
      assert.equal(end.status, 2);
      assert.match(
        end.stderr,
        /cannot accept --image "ssh:.*": ssh: must be followed by USER@HOST or a name/,
      );
    }
    await missing(mark);
  });
});

/** The programs that the remote side needs, in a folder for its PATH. */
async function makeTools(
  t: TestContext,
  without: readonly string[],
  more: Readonly<Record<string, string>> = {},
) {
  const folder = await must('mktemp', ['-d']).then((text) => text.trim());
  t.after(() => rm(folder, { recursive: true, force: true }));
  const names = [
    ...[
      'sh',
      'cat',
      'chmod',
      'dd',
      'find',
      'getconf',
      'grep',
      'head',
      'ls',
      'mkdir',
      'mkfifo',
      'nproc',
      'ps',
      'rm',
    ],
    ...['rmdir', 'setsid', 'sleep', 'tar', 'uname', 'wc', 'touch', 'true', 'echo'],
  ];
  for (const name of names.filter((one) => !without.includes(one) && !(one in more))) {
    await symlink(
      (await must('sh', ['-c', `command -v ${name}`])).trim().replace(/^echo$/, '/bin/echo'),
      join(folder, name),
    );
  }
  for (const [name, text] of Object.entries(more)) {
    await writeFile(join(folder, name), text);
    await chmod(join(folder, name), 0o755);
  }
  return folder;
}

async function withMachine(t: TestContext, options: SshMachineOptions): Promise<SshMachine> {
  const machine = await openSshMachine(options);
  t.after(() => machine.close());
  return machine;
}

describe('another machine that lacks something', () => {
  for (const name of ['tar', 'mkfifo']) {
    it(`without "${name}", it is refused with that word`, async (t) => {
      const machine = await withMachine(t, { path: await makeTools(t, [name]) });
      const job = await runJobYaml(t, machine, jobYaml(machine, `- {name: a, run: 'true'}`));
      assert.deepEqual(job.summary, ['a 125 error']);
      assert.equal(job.record.outcome, 'error');
      assert.match(job.record.reason ?? '', new RegExp(`"soil-test-host" has no "${name}"$`));
      assert.deepEqual(await machine.folders(), []);
    });
  }

  it('a host that does not exist, a wrong key and an account without a shell are errors with the reason of ssh', async (t) => {
    const machine = await withMachine(t, { client: [] });
    const unknown = await runJobYaml(
      t,
      machine,
      jobYaml({ ...machine, image: 'ssh:soil-no-such-host.invalid' }, `- {name: a, run: 'true'}`),
    );
    assert.match(
      unknown.record.reason ?? '',
      /cannot start the connection to "soil-no-such-host.invalid": .*resolve hostname/,
    );
    const noShell = await withMachine(t, { more: ['ForceCommand /usr/sbin/nologin'] });
    const refused = await runJobYaml(t, noShell, jobYaml(noShell, `- {name: a, run: 'true'}`));
    assert.match(refused.record.reason ?? '', /This account is currently not available/);
    const wrongKey = await withMachine(t, {});
    await writeFile(join(wrongKey.sshd.folder, 'authorized_keys'), '');
    const denied = await runJobYaml(t, wrongKey, jobYaml(wrongKey, `- {name: a, run: 'true'}`));
    assert.match(denied.record.reason ?? '', /Permission denied \(publickey\)/);
    assert.deepEqual(denied.summary, ['a 125 error']);
  });

  for (const shell of ['bash', 'zsh', 'mksh', 'ksh', 'yash', 'posh', 'busybox sh']) {
    it(`the login shell can be ${shell}, and its profile can print anything`, async (t) => {
      const command = [
        'echo "Welcome to ready 5"; echo "done 1 1 0 key" ; printf "no end of line" ; echo warning >&2',
        `exec ${shell} -c "$SSH_ORIGINAL_COMMAND"`,
      ].join('; ');
      const machine = await withMachine(t, { more: [`ForceCommand ${command}`] });
      const job = await runJobYaml(
        t,
        machine,
        jobYaml(machine, `- {name: a, run: 'echo a; exit 4'}\n- {name: b, run: 'echo b'}`),
      );
      assert.deepEqual(job.summary, ['a 4 failed', 'b 0 passed'], job.output);
      assert.equal(await job.log('a'), 'a\n');
      assert.equal(await job.log('b'), 'b\n');
      assert.deepEqual(await machine.folders(), []);
    });
  }

  it('a hostile tar: links, devices, paths outside, duplicates and undeclared files are refused by name', async (t) => {
    const script = [
      'import io, sys, tarfile',
      'out = tarfile.open(fileobj=sys.stdout.buffer, mode="w|")',
      'def add(name, kind=tarfile.REGTYPE, link="", text=b"bad"):',
      '    info = tarfile.TarInfo(name); info.type = kind; info.linkname = link',
      '    info.size = len(text) if kind == tarfile.REGTYPE else 0',
      '    out.addfile(info, io.BytesIO(text))',
      'add("./rep/link", tarfile.SYMTYPE, "/etc/passwd")',
      'add("./rep/hard", tarfile.LNKTYPE, "/etc/passwd")',
      'add("./rep/device", tarfile.CHRTYPE)',
      'add("./rep/../../../../escaped")',
      'add("/tmp/soil-absolute")',
      'add("./rep/good", text=b"good")',
      'add("./rep/good", text=b"twice")',
      'add("./undeclared")',
      'out.close()',
    ].join('\n');
    const path = await makeTools(t, ['tar'], {
      tar: `#!/bin/sh\ncase $1 in -c*) exec /usr/bin/python3 -c '${script}' ;; *) exec /bin/tar "$@" ;; esac\n`,
    });
    const machine = await withMachine(t, { path });
    const tasks = `- {name: a, run: 'mkdir rep; for f in link hard device good; do echo $f >rep/$f; done', results: rep}`;
    const job = await runJobYaml(t, machine, jobYaml(machine, tasks, 'artifacts: [rep/link]'));
    assert.deepEqual(job.summary, ['a 0 passed'], job.output);
    for (const pattern of [
      /"\.\/rep\/link" from the task host: it is a symbolic link/,
      /"\.\/rep\/hard" from the task host: it is a hard link/,
      /"\.\/rep\/device" from the task host: it is a device/,
      /escaped" from the task host: its path has "\.\."/,
      /soil-absolute" from the task host: its path is absolute/,
      /"\.\/rep\/good" from the task host: the archive has it twice/,
      /"\.\/undeclared" from the task host: the job does not declare it/,
    ]) {
      assert.match(job.output, pattern);
    }
    assert.equal(await must('unzip', ['-p', join(job.out, 'job.wwz'), 'rep/good']), 'good');
    await missing('/tmp/soil-absolute');
  });
});

describe('a connection that breaks', () => {
  let machine: SshMachine;
  before(async () => {
    machine = await openSshMachine();
  });
  after(() => machine.close());

  const tasksOf = (word: string) => `
- {name: first, run: 'echo first'}
- name: victim
  run: |
    setsid sh -c 'trap "" TERM HUP; while :; do sleep 1; done; : ${word}' &
    echo running; touch /tmp/${word}; sleep 600; : ${word}
- {name: never, run: 'true'}`;

  async function breakConnection(t: TestContext, breakIt: () => Promise<void>) {
    const word = newWord();
    const started = await startJob(machine, jobYaml(machine, tasksOf(word)), { timeoutSeconds: 200 });
    t.after(() => rm(started.repo, { recursive: true, force: true }));
    t.after(() => rm(`/tmp/${word}`, { force: true }));
    await Promise.race([waitForFile(`/tmp/${word}`), started.ended]);
    await breakIt();
    const job = await started.ended;
    assert.deepEqual(job.summary, ['first 0 passed', 'victim 125 error', 'never 125 skipped'], job.output);
    assert.equal(job.record.outcome, 'error');
    assert.equal(job.status, 125);
    assert.match(job.record.reason ?? '', /^the connection to "soil-test-host" was lost during the task: ./);
    assert.equal(await job.log('first'), 'first\n');
    return { job, word };
  }

  /** The processes of sshd for this machine's connections: children of its listener. */
  async function sessions(): Promise<readonly number[]> {
    const text = await must('ps', ['axww', '-o', 'pid=,ppid=,args=']);
    const rows = text.split('\n').map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? []);
    const listener = rows.find(
      ([, , , args = '']) => args.includes(machine.sshd.folder) && args.includes('sshd'),
    );
    return rows.filter(([, , parent]) => parent === listener?.[1]).map(([, pid]) => Number(pid));
  }

  it('the death of sshd’s session is an error; its processes end there and its folder is removed', async (t) => {
    const { word } = await breakConnection(t, async () => {
      for (const pid of await sessions()) process.kill(pid, 'SIGKILL');
    });
    await waitUntil('the processes end', async () => !(await isProcessRunning(word)));
    await waitUntil('the folder is removed', async () => (await machine.folders()).length === 0);
  });

  it('the death of ssh is an error; its processes end there and its folder is removed', async (t) => {
    const { word } = await breakConnection(t, async () => {
      const text = await must('ps', ['axww', '-o', 'pid=,args=']);
      const pid = /^\s*(\d+) \/usr\/bin\/ssh .*soil-test-host/m.exec(text)?.[1];
      process.kill(Number(pid), 'SIGKILL');
    });
    await waitUntil('the processes end', async () => !(await isProcessRunning(word)));
    await waitUntil('the folder is removed', async () => (await machine.folders()).length === 0);
  });

  it('a network that carries nothing is an error, and the next call ends the processes and removes the folder', async (t) => {
    let stopped: readonly number[] = [];
    const { job, word } = await breakConnection(t, async () => {
      stopped = await sessions();
      for (const pid of stopped) process.kill(pid, 'SIGSTOP');
    });
    t.after(() => {
      for (const pid of stopped) process.kill(pid, 'SIGKILL');
    });
    assert.match(job.record.reason ?? '', /Timeout, server/);
    assert.equal((await machine.folders()).length, 1, 'the other side does not know yet');
    assert.ok(await isProcessRunning(word));
    const next = await runJobYaml(t, machine, jobYaml(machine, `- {name: a, run: 'true'}`));
    assert.deepEqual(next.summary, ['a 0 passed']);
    assert.equal(await isProcessRunning(word), false);
    assert.deepEqual(await machine.folders(), []);
  });

  it('kill -9 of the worker ends the processes there and removes the folder', async (t) => {
    const word = newWord();
    const started = await startJob(machine, jobYaml(machine, tasksOf(word)));
    started.ended.catch(() => undefined);
    t.after(() => rm(started.repo, { recursive: true, force: true }));
    t.after(() => rm(`/tmp/${word}`, { force: true }));
    await waitForFile(`/tmp/${word}`);
    started.signal('SIGKILL');
    await waitUntil('the processes end', async () => !(await isProcessRunning(word)));
    await waitUntil('the folder is removed', async () => (await machine.folders()).length === 0);
  });

  it('a folder whose owner died is removed by the next call, another one stays', async (t) => {
    const cache = join(machine.sshd.folder, 'cache', 'soil');
    await mkdir(cache, { recursive: true });
    const host = (await must('uname', ['-n'])).trim();
    const ended = (await must('sh', ['-c', 'echo $$'])).trim();
    const [dead, alive, foreign] = [
      `soil-${'1'.repeat(32)}.${host}.${ended}`,
      `soil-${'2'.repeat(32)}.${host}.${process.pid}`,
      `soil-${'3'.repeat(32)}.other-host.${ended}`,
    ];
    for (const name of [dead, alive, foreign]) await mkdir(join(cache, name));
    await mkdir(join(cache, dead, 'read-only'), { mode: 0o555 });
    const job = await runJobYaml(t, machine, jobYaml(machine, `- {name: a, run: 'true'}`));
    assert.deepEqual(job.summary, ['a 0 passed']);
    assert.deepEqual([...(await machine.folders())].sort(), [alive, foreign].sort());
    for (const name of [alive, foreign]) await rm(join(cache, name), { recursive: true });
  });

  it('SIGTERM while it connects cancels the job', async (t) => {
    const silent = await withMachine(t, { more: ['ForceCommand sleep 100'] });
    const started = await startJob(silent, jobYaml(silent, `- {name: a, run: 'true'}`));
    t.after(() => rm(started.repo, { recursive: true, force: true }));
    await waitUntil('ssh runs', () => isProcessRunning(join(silent.sshd.folder, 'ssh_config')));
    started.signal('SIGTERM');
    const job = await started.ended;
    assert.equal(job.record.outcome, 'cancelled', job.output);
  });
});
