/** Tests of the keys of jobs and tasks in soil.yml, the same for podman, docker and the raw machine. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { access, chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { must, run, soilWorker } from './command.js';
import { openEngine, type TestEngine } from './engines.js';
import { jobYaml, runJobYaml, startJob, waitForOutput } from './job-fixture.js';
import { isProcessRunning, waitForFile } from './wait-for.js';

export function testTasks(kind: 'podman' | 'docker' | 'raw'): void {
  describe(`soil.yml on ${kind}`, () => {
    let machine: TestEngine;
    before(async () => {
      machine = await openEngine(kind);
    });
    after(() => machine.close());

    it('parallel runs independent tasks at the same time, with rows and logs as in sequence', async (t) => {
      // Each of the first three waits for the two others: in sequence they would wait forever.
      const meet = (me: string, ...others: string[]): string =>
        `touch ${me}.here; ${others.map((o) => `until [ -e ${o}.here ]; do sleep 0.02; done`).join('; ')}; ` +
        `i=0; while [ $i -lt 300 ]; do echo ${me}; echo ${me} >&2; i=$((i+1)); done`;
      const tasks = `
- {name: a, run: '${meet('a', 'b', 'c')}', timeout: 60s}
- {name: b, run: '${meet('b', 'a', 'c')}; exit 3', timeout: 60s}
- {name: größe, run: '${meet('c', 'a', 'b')}', timeout: 60s}
- {name: after, run: 'test -e c.here; echo after', needs: [a, größe]}
- {name: never, run: 'echo never', needs: [after, b]}
- {name: last, run: 'echo last'}`;
      const job = await runJobYaml(t, machine, jobYaml(machine, tasks, 'parallel: 3'));
      assert.deepEqual(job.summary, [
        'a 0 passed',
        'b 3 failed',
        'größe 0 passed',
        'after 0 passed',
        'never 125 skipped',
        'last 0 passed',
      ]);
      assert.equal(await job.log('a'), 'a\n'.repeat(600));
      assert.equal(await job.log('b'), 'b\n'.repeat(600));
      assert.equal(await job.log('größe'), 'c\n'.repeat(600));
      assert.equal(job.record.tasks[4]?.skipped, 'it needs "b", whose outcome is failed');
      assert.equal(job.status, 3);
      assert.deepEqual(await machine.containers(), []);
    });

    it('parallel: a time-out ends the processes of that task only', async (t) => {
      const word = `soil${randomBytes(6).toString('hex')}`;
      const stubborn = `sh -c 'trap "" TERM HUP INT; while :; do sleep 1; done; : ${word}'`;
      const tasks = `
- name: service
  run: |
    setsid sh -c 'while [ ! -e over ]; do sleep 0.05; done; touch service-lived' </dev/null >/dev/null 2>&1 &
- name: late
  timeout: 1s
  run: |
    ${stubborn} &
    setsid ${stubborn} &
    (setsid ${stubborn} </dev/null >/dev/null 2>&1 &) &
    (env -i PATH="$PATH" setsid ${stubborn} &)
    while :; do sleep 1; done
- name: neighbor
  timeout: 120s
  run: |
    trap 'echo "a signal came"' TERM
    until [ -e late-is-over ]; do sleep 0.05; done
    echo undisturbed
- {name: next, needs: [service], timeout: 120s, run: 'until [ -e late-is-over ]; do sleep 0.05; done; touch over; until [ -e service-lived ]; do sleep 0.05; done'}`;
      const started = await startJob(machine, jobYaml(machine, tasks, 'parallel: 3\ngrace: 1s'));
      t.after(() => rm(started.repo, { recursive: true, force: true }));
      await waitForOutput(started, /timed-out +\S+ s +late/);
      assert.equal(await isProcessRunning(word), false, 'no process of the late task is left');
      await writeFile(join(started.repo, 'late-is-over'), '');
      const job = await started.ended;
      assert.deepEqual(job.summary, [
        'service 0 passed',
        'late 124 timed-out',
        'neighbor 0 passed',
        'next 0 passed',
      ]);
      assert.equal(await job.log('neighbor'), 'undisturbed\n');
      assert.deepEqual(await machine.containers(), []);
    });

    it('parallel: SIGTERM ends all tasks; stop-on-failure starts no further task', async (t) => {
      const word = `soil${randomBytes(6).toString('hex')}`;
      const long = (n: number): string =>
        `- {name: t${n}, run: 'touch ready${n}; setsid sh -c "trap : TERM; while :; do sleep 1; done; : ${word}"'}`;
      const yaml = jobYaml(
        machine,
        [1, 2, 3].map(long).join('\n'),
        'parallel: 2\ngrace: 1s\nstop-on-failure: true',
      );
      const started = await startJob(machine, yaml);
      t.after(() => rm(started.repo, { recursive: true, force: true }));
      await Promise.race([
        Promise.all([1, 2].map((n) => waitForFile(join(started.repo, `ready${n}`)))),
        started.ended,
      ]);
      started.signal('SIGTERM');
      const job = await started.ended;
      assert.deepEqual(job.summary, ['t1 130 cancelled', 't2 130 cancelled', 't3 125 skipped']);
      assert.equal(await isProcessRunning(word), false);
      assert.deepEqual(await machine.containers(), []);
    });

    it('a second SIGINT ends tasks without grace time and still writes a record', async (t) => {
      const run = `trap 'touch asked' TERM; touch ready; while :; do sleep 0.05; done`;
      const started = await startJob(
        machine,
        jobYaml(machine, `[{name: long, run: "${run}"}, {name: never, run: x}]`, 'grace: 1h'),
      );
      t.after(() => rm(started.repo, { recursive: true, force: true }));
      await Promise.race([waitForFile(join(started.repo, 'ready')), started.ended]);
      started.signal('SIGINT');
      await Promise.race([waitForFile(join(started.repo, 'asked')), started.ended]);
      started.signal('SIGINT');
      const job = await started.ended;
      assert.deepEqual(job.summary, ['long 130 cancelled', 'never 125 skipped']);
      assert.equal(job.status, 130);
      assert.match(job.record.reason ?? '', /SIGINT/);
    });

    it('working-folder, grace and tty apply to jobs and tasks; processor time and memory are recorded', async (t) => {
      const tasks = `
- {name: make, run: 'mkdir -p "sub/über alles" && pwd', working-folder: .}
- {name: there, run: 'pwd; echo x >r.txt', results: sub/r.txt}
- {name: deeper, run: pwd, working-folder: sub/über alles}
- {name: not there, run: echo never, working-folder: nowhere}
- {name: short, run: "trap '' TERM; while :; do sleep 0.1; done", timeout: 1s, grace: 0s, working-folder: .}
- {name: busy, run: 'i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done', working-folder: .}`;
      const job = await runJobYaml(t, machine, jobYaml(machine, tasks, 'working-folder: sub\ngrace: 1h'));
      const root = kind === 'raw' ? job.repo : '/repo';
      assert.equal(await job.log('there'), `${root}/sub\n`);
      assert.equal(await job.log('deeper'), `${root}/sub/über alles\n`);
      assert.equal(await job.log('make'), `${root}\n`);
      assert.ok(!(await job.log('not there')).includes('never'));
      assert.equal(job.rows[3]?.outcome, 'failed');
      assert.equal(job.rows[4]?.outcome, 'timed-out');
      assert.equal(job.rows[1]?.resultHtml, 'sub/r.txt');
      const busy = job.rows[5];
      assert.ok((busy?.userSeconds ?? 0) + (busy?.systemSeconds ?? 0) > 0, 'the shell used processor time');
      // Only the raw machine has GNU time installed.
      assert.equal(busy?.maxRssKib !== undefined && busy.maxRssKib > 500, kind === 'raw');
    });

    it('logs 5 MB from each of stdout and stderr in order, and non-ASCII names and text', async (t) => {
      const line = 'ü'.repeat(2500);
      const tasks = `
- {name: both, run: 'i=0; while [ $i -lt 1000 ]; do echo "o $i $LINE"; echo "e $i $LINE" >&2; i=$((i+1)); done'}
- {name: 試験 größe №1, run: 'echo "日本 $(cat größe/日本.txt)" | tee "größe/ergebnis ✓.txt"; mkdir -p größe', results: 'größe/*.txt'}`;
      const files = { 'größe/日本.txt': 'Ελλάδα' };
      const job = await runJobYaml(t, machine, jobYaml(machine, tasks, `env: {LINE: ${line}}`), { files });
      const lines = Array.from({ length: 1000 }, (_, i) => `o ${i} ${line}\ne ${i} ${line}\n`);
      assert.ok((await job.log('both')) === lines.join(''), 'every line in order');
      assert.deepEqual(job.summary, ['both 0 passed', '試験 größe №1 0 passed']);
      assert.equal(await job.log('試験 größe №1'), '日本 Ελλάδα\n');
      const names = (await must('unzip', ['-Z1', '-UU', join(job.out, 'job.wwz')])).split('\n');
      assert.ok(names.includes('größe/ergebnis ✓.txt') && names.includes('größe/日本.txt'), names.join('\n'));
    });

    it('keeps all of 1 GB of log', async (t) => {
      const tasks = `- {name: large, run: 'yes 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde | head -c 1000000000'}`;
      const job = await runJobYaml(t, machine, jobYaml(machine, tasks), { timeoutSeconds: 400 });
      assert.deepEqual(job.summary, ['large 0 passed']);
      const size = await must('unzip', ['-Zl', join(job.out, 'job.wwz'), '_soil/logs/large.txt']);
      assert.match(size, / 1000000000 /);
    });

    it('redacts secrets in logs, record, results and output: plain, split, base64, URL-encoded', async (t) => {
      const secret = 'pä55/w"rd:&=?xyz0123456789';
      const other = 'second-secret+value';
      const base = (text: string): string => Buffer.from(text).toString('base64');
      const forms = {
        'b0.txt': base(`${secret}.`),
        'b1.txt': base(`.${secret}.`),
        'b2.txt': base(`..${secret}.`),
        'url.txt': base(`.${secret}.`).replaceAll('+', '-').replaceAll('/', '_'),
        'pct.txt': encodeURIComponent(secret),
        'low.txt': encodeURIComponent(secret).replace(/%../g, (hex) => hex.toLowerCase()),
      };
      const tasks = `
- name: prints
  run: |
    echo "the secret is $PASSWORD." ; echo "$OTHER" >&2
    cat b0.txt b1.txt b2.txt url.txt pct.txt low.txt
    printf '%s' "\${PASSWORD%xyz*}"; sleep 0.3; printf '%s\\n' "xyz\${PASSWORD#*xyz}"
    head -c 3000000 /dev/zero | tr '\\0' x; echo "$OTHER$PASSWORD"
    mkdir -p out; echo "<p>$OTHER</p>" >out/index.html; printf 'bin\\000%s' "$PASSWORD" >out/bad.bin
    printf 'fine\\000' >out/fine.bin; echo x >"out/$OTHER.txt"
  results: out/
- {name: retried, run: 'echo "$PASSWORD"; test -e once || { touch once; exit 1; }', retries: 1}
- {name: traced, run: 'set -x; : "$OTHER"; exit 7'}
- {name: outlives, run: 'sh -c "sleep 1; echo $OTHER" & echo begun'}
- {name: waits, run: 'sleep 2; echo second-secret+value'}`;
      const job = await runJobYaml(
        t,
        machine,
        jobYaml(machine, tasks, 'secrets: [PASSWORD, OTHER, ABSENT]'),
        {
          env: { PASSWORD: secret, OTHER: other, ABSENT: '' },
          files: Object.fromEntries(Object.entries(forms).map(([name, text]) => [name, `<${text}>\n`])),
        },
      );
      assert.equal(job.record.outcome, 'failed', job.output);
      assert.match(job.output, /notice: secret "ABSENT" is not set/);
      const log = await job.log('prints');
      assert.match(log, /^the secret is \*+\.\n\*+\n/);
      assert.equal(
        log
          .split('\n')
          .slice(2, 8)
          .filter((text) => /^<.{0,3}\*{20,}.{0,6}>$/.test(text)).length,
        6,
        log.slice(0, 900),
      );
      const unpacked = await mkdtemp(join(tmpdir(), 'soil-unpacked-'));
      t.after(() => rm(unpacked, { recursive: true, force: true }));
      await must('unzip', ['-q', join(job.out, 'job.wwz'), '-d', unpacked]);
      const needles = [
        secret,
        other,
        base(other).slice(0, 20),
        ...Object.values(forms).map((f) => f.slice(4, 24)),
      ];
      for (const folder of [unpacked, job.out]) {
        for (const name of await readdir(folder, { recursive: true })) {
          const text = await readFile(join(folder, name), 'utf8').catch(() => '');
          for (const needle of needles)
            assert.ok(!text.includes(needle) && !name.includes(needle), `${name} holds ${needle}`);
        }
      }
      for (const needle of needles) assert.ok(!job.output.includes(needle), `the output holds ${needle}`);
      assert.match(await readFile(join(unpacked, 'out/index.html'), 'utf8'), /^<p>\*+<\/p>\n$/);
      assert.match(
        job.output,
        /cannot store result "out\/bad.bin": it is a binary file that contains the value of a secret/,
      );
      assert.match(
        job.output,
        /cannot store result "out\/\*+\.txt": its name contains the value of a secret/,
      );
      await access(join(unpacked, 'out/fine.bin'));
      assert.match(await readFile(join(unpacked, '_soil/logs/retried/1.txt'), 'utf8'), /^\*+\n$/);
      assert.equal(
        await readFile(join(job.repo, 'out/index.html'), 'utf8'),
        `<p>${other}</p>\n`,
        'the repo’s own file stays',
      );
    });

    it('refuses a secret that is too short or part of a name before anything runs', async (t) => {
      const short = await startJob(machine, jobYaml(machine, `[{name: a, run: x}]`, 'secrets: [PIN]'), {
        env: { PIN: '1234' },
      });
      t.after(() => rm(short.repo, { recursive: true, force: true }));
      await assert.rejects(
        short.ended,
        /exit status 2\ncannot use secret "PIN": its value is shorter than 5 bytes/,
      );
      const named = await startJob(
        machine,
        jobYaml(machine, `[{name: a-swordfish, run: x}]`, 'secrets: [WORD]'),
        {
          env: { WORD: 'swordfish' },
        },
      );
      t.after(() => rm(named.repo, { recursive: true, force: true }));
      await assert.rejects(
        named.ended,
        /exit status 2\ncannot run job "job": its name or the name of a task contains a secret/,
      );
    });

    it('redacts variables that engine-flags give to the container, in its log and in the record', async (t) => {
      if (machine.engine === undefined) return; // the raw machine has no engine
      const tasks = `[{name: prints, run: 'set -x; echo "$GIVEN" "$JOINED" "$API_KEY" "$FILED" "$LANG"; export -p'}]`;
      const flags = '[--env, GIVEN, -eJOINED, --env=API_KEY=in-soil-yml, --env-file=private.env, --env=LANG]';
      const job = await runJobYaml(t, machine, jobYaml(machine, tasks, `engine-flags: ${flags}`), {
        env: { GIVEN: `it's "given"`, JOINED: 'forty two', LANG: 'de_DE.UTF-8' },
        files: { 'private.env': 'FILED_TOKEN=filed\nFILED=shown-in-repo\nJOINED\n' },
      });
      assert.equal(job.record.outcome, 'passed', job.output);
      const log = await job.log('prints');
      assert.match(log, /^\*{12} \*{9} \*{11} shown-in-repo de_DE.UTF-8$/m);
      assert.match(log, /FILED_TOKEN='?\*{5}'?$/m);
      const record = await readFile(join(job.out, 'job.json'), 'utf8');
      for (const text of [log, record, job.output]) assert.doesNotMatch(text, /given|forty|in-soil-yml/);
      assert.match(record, /--env=API_KEY=\*{11}/);
    });

    it('a second job on a CI host sees no files of the first; elsewhere only with the option', async (t) => {
      const tasks = `
- {name: sees, run: 'ls; test ! -e build; test ! -e own.o'}
- {name: makes, run: 'mkdir -p build/deep; echo x >build/deep/a.o; echo y >own.o; echo z >>tracked.txt; chown -R 1234 build || true'}`;
      const first = await runJobYaml(t, machine, jobYaml(machine, tasks), {
        files: { 'tracked.txt': '', '.gitignore': 'build/\n' },
      });
      assert.deepEqual(first.summary, ['sees 0 passed', 'makes 0 passed'], first.output);
      await writeFile(join(first.repo, 'mine.txt'), 'mine');
      const again = (args: readonly string[], env: Readonly<Record<string, string>>) =>
        run(
          process.execPath,
          [
            soilWorker,
            'run',
            'job',
            ...(machine.engine === undefined ? [] : ['--engine', machine.engine]),
            ...args,
          ],
          { cwd: first.repo, env: { GITHUB_ACTIONS: '', ...machine.environment, ...env } },
        );
      const sourcehut = { JOB_ID: '7', JOB_URL: 'https://builds.example.org/7' };
      for (const [args, env] of [
        [['--no-clean'], sourcehut],
        [[], {}],
      ] as const) {
        const kept = await again(args, env);
        assert.match(kept.stdout, /failed +\S+ s +sees/);
        assert.doesNotMatch(kept.stdout, /removing/);
      }
      for (const [args, env] of [
        [[], sourcehut],
        [['--clean'], {}],
      ] as const) {
        const cleaned = await again(args, env);
        assert.match(cleaned.stdout, /removing 2 untracked paths that earlier jobs created/);
        assert.match(cleaned.stdout, /^ {2}"build\/deep\/a.o"$/m);
        assert.match(cleaned.stdout, /passed +\S+ s +sees/);
        assert.equal(cleaned.status, 0, cleaned.stdout + cleaned.stderr);
      }
      await access(join(first.repo, 'mine.txt'));
    });

    if (kind === 'raw') {
      it('tty gives a task a terminal; log and status are the same as without', async (t) => {
        const tasks = `
- {name: on, run: 'test -t 0 && test -t 1 && test -t 2 && echo "$TERM"; cat; exit 5', tty: true}
- {name: off, run: 'test -t 1 || echo none'}
- {name: late, run: "trap '' TERM HUP; while :; do sleep 1; done", tty: true, timeout: 1s}`;
        const job = await runJobYaml(t, machine, jobYaml(machine, tasks, 'grace: 1s'));
        assert.deepEqual(job.summary, ['on 5 failed', 'off 0 passed', 'late 124 timed-out']);
        assert.equal((await job.log('on')).replaceAll('\r', ''), 'xterm\n');
        assert.equal(await job.log('off'), 'none\n');
      });
    } else {
      it('tty without a program that opens a terminal is an error, not a failed task', async (t) => {
        const job = await runJobYaml(t, machine, jobYaml(machine, `[{name: a, run: 'true'}]`, 'tty: true'));
        assert.deepEqual(job.summary, ['a 125 error']);
        assert.match(job.record.reason ?? '', /on a terminal: program "script" not found/);
      });

      it('tty works in an image that has the program', async (t) => {
        // Mount this machine's program and its libraries into the image's empty folders.
        const volumes = ['/usr:/usr:ro', '/usr/lib:/lib:ro', '/usr/lib64:/lib64:ro'];
        const flags = `engine-flags: [${volumes.map((v) => `'--volume=${v}'`).join(', ')}]\nenv: {PATH: '/bin:/usr/bin'}`;
        const tasks = `
- {name: on, run: 'test -t 0 && test -t 1 && test -t 2 && echo "$TERM"; cat; exit 5', tty: true}
- {name: next, run: 'test -t 1 || echo none'}`;
        const job = await runJobYaml(t, machine, jobYaml(machine, tasks, flags));
        assert.deepEqual(job.summary, ['on 5 failed', 'next 0 passed']);
        assert.equal((await job.log('on')).replaceAll('\r', ''), 'xterm\n');
        assert.ok((job.rows[0]?.maxRssKib ?? 0) > 500, 'GNU time is installed, so memory is recorded');
      });

      it('ptrace allows a debugger to attach and to turn off address randomization', async (t) => {
        const folder = await mkdtemp(join(tmpdir(), 'soil-ptrace-'));
        t.after(() => rm(folder, { recursive: true, force: true }));
        await writeFile(join(folder, 'trace.c'), traceProgram);
        await must('gcc', ['-static', '-o', join(folder, 'trace'), join(folder, 'trace.c')]);
        const files = { trace: await readFile(join(folder, 'trace')) };
        const tasks = `[{name: trace, run: ./trace}]`;
        const job = await runJobYaml(t, machine, jobYaml(machine, tasks, 'ptrace: true'), { files });
        assert.equal(await job.log('trace'), 'attached, not randomized\n');
        assert.deepEqual(job.summary, ['trace 0 passed']);
      });

      it('pids-limit confines a fork bomb to its own task', async (t) => {
        const tasks = `
- name: bomb
  timeout: 2s
  run: |
    bomb() { (bomb | bomb) & }
    bomb
    while :; do :; done
- {name: next, run: 'echo "still here"'}`;
        const job = await runJobYaml(t, machine, jobYaml(machine, tasks, 'pids-limit: 60\ngrace: 1s'));
        assert.deepEqual(job.summary, ['bomb 124 timed-out', 'next 0 passed']);
        assert.equal(await job.log('next'), 'still here\n');
      });

      it('parallel: a fork bomb does not keep other tasks from ending', async (t) => {
        const tasks = `
- {name: bomb, timeout: 2s, run: 'bomb() { (bomb | bomb) & }; bomb; while :; do :; done'}
- {name: neighbor, timeout: 100s, run: 'echo here'}
- {name: next, needs: [neighbor], run: 'echo next'}`;
        const job = await runJobYaml(
          t,
          machine,
          jobYaml(machine, tasks, 'pids-limit: 60\ngrace: 1s\nparallel: 2'),
        );
        assert.equal(job.summary[0], 'bomb 124 timed-out');
        assert.equal(job.rows.length, 3);
      });

      it('results of users in the container belong to the user who started the worker', async (t) => {
        const tasks = `
- name: leaves
  run: |
    mkdir -p out/deep
    echo one >out/index.html; echo two >out/deep/b.txt
    chmod 700 out/deep; chmod 600 out/index.html out/deep/b.txt
    chown -R 1234:1234 out
  results: out/`;
        const job = await runJobYaml(t, machine, jobYaml(machine, tasks));
        const names = await must('unzip', ['-Z1', join(job.out, 'job.wwz')]);
        assert.match(names, /^out\/deep\/b\.txt$/m);
        const owners = await must('find', [job.repo, '!', '-user', String(process.getuid?.())]);
        assert.equal(owners, '', 'nothing belongs to another user');
      });

      it('git in the container accepts the repository for any user', async (t) => {
        const folder = await mkdtemp(join(tmpdir(), 'soil-gitconfig-'));
        t.after(() => rm(folder, { recursive: true, force: true }));
        await chmod(folder, 0o755);
        const config = join(folder, 'gitconfig');
        await writeFile(config, '[x]\n\ty = of the image\n');
        const volumes = [
          '/usr:/usr:ro',
          '/usr/lib:/lib:ro',
          '/usr/lib64:/lib64:ro',
          `${config}:/etc/gitconfig:ro`,
        ];
        const flags = `engine-flags: [${volumes.map((v) => `'--volume=${v}'`).join(', ')}]\nuser: "1234"`;
        const tasks = `
- {name: git, run: '/usr/bin/git log --format=%s; /usr/bin/git status --porcelain'}
- {name: within, run: '/usr/bin/git -C mirror.git rev-parse --is-bare-repository'}
# git ignores safe.directory in the environment before 2.38.
- {name: earlier, run: 'unset GIT_CONFIG_COUNT; /usr/bin/git log --format=%s; /usr/bin/git config --get x.y'}`;
        const files = {
          'mirror.git/HEAD': 'ref: refs/heads/main\n',
          'mirror.git/config': '[core]\n\trepositoryformatversion = 0\n\tbare = true\n',
          'mirror.git/objects/keep': '',
          'mirror.git/refs/keep': '',
        };
        const job = await runJobYaml(t, machine, jobYaml(machine, tasks, flags), { files });
        assert.equal(await job.log('git'), 'A change: größer\n');
        assert.equal(await job.log('within'), 'true\n');
        assert.equal(await job.log('earlier'), 'A change: größer\nof the image\n');
        assert.deepEqual(job.summary, ['git 0 passed', 'within 0 passed', 'earlier 0 passed']);
      });
    }
  });
}

/** Attaches to a child that did not request it, and turns off address randomization, like gdb. */
const traceProgram = `
#include <stdio.h>
#include <signal.h>
#include <unistd.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
int main(void) {
  int status;
  pid_t child = fork();
  if (child == 0) for (;;) pause();
  if (ptrace(PTRACE_ATTACH, child, 0, 0) != 0) { perror("ptrace"); return 1; }
  if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) return 2;
  if (personality(ADDR_NO_RANDOMIZE) == -1) { perror("personality"); return 3; }
  kill(child, SIGKILL);
  printf("attached, not randomized\\n");
  return 0;
}
`;
