/** Tests of failures outside the tasks of a job: it still writes a record and leaves nothing. For podman, docker and the raw machine. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import {
  access,
  cp,
  lstat,
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
import { after, before, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { must, run, soilWorker, type CommandEnd } from './command.js';
import { openEngine, type TestEngine } from './engines.js';
import { makeRepo } from './git-repo.js';
import { jobYaml, runJobYaml, startJob } from './job-fixture.js';
import { isProcessRunning, waitForFile, waitUntil } from './wait-for.js';

const entriesOf = async (wwz: string): Promise<readonly string[]> =>
  (await must('unzip', ['-Z1', wwz])).split('\n').filter((name) => name !== '');

/** Runs `run job` with its results on a disk of 8 MB; copies them to `kept` before the disk is unmounted. */
function runOnSmallDisk(machine: TestEngine, repo: string, kept: string): Promise<CommandEnd> {
  const script =
    'mkdir "$1/disk" && mount -t tmpfs -o size=8m none "$1/disk" || exit 99\n' +
    'kept=$1; shift; XDG_STATE_HOME="$kept/disk" "$@" --out "$kept/disk"; status=$?\n' +
    'cp -R "$kept/disk/job" "$kept/job"; umount "$kept/disk"; exit "$status"';
  const asRoot = process.getuid?.() === 0 ? [] : ['--map-root-user'];
  // In a new mount namespace, except with docker, whose daemon must see the disk too.
  const launcher = machine.engine === 'docker' ? [] : ['unshare', ...asRoot, '--mount'];
  const engine = machine.engine === undefined ? [] : ['--engine', machine.engine];
  const worker = [process.execPath, soilWorker, 'run', 'job', ...engine];
  const [program = '', ...words] = [...launcher, 'sh', '-c', script, 'sh', kept, ...worker];
  return run(program, words, {
    cwd: repo,
    env: { ...machine.environment, GITHUB_ACTIONS: '', PASSWORD: 'correct horse' },
  });
}

export function testRunFailures(kind: 'podman' | 'docker' | 'raw'): void {
  describe(`soil-worker run on ${kind}, when something fails`, () => {
    let machine: TestEngine;
    before(async () => {
      machine = await openEngine(kind);
    });
    after(() => machine.close());

    it('tasks run with the default handlers of SIGINT and SIGQUIT', async (t) => {
      const job = await runJobYaml(
        t,
        machine,
        jobYaml(machine, `- {name: ignored, run: grep SigIgn /proc/self/status}`),
      );
      const mask = /^SigIgn:\s*([0-9a-f]+)$/m.exec(await job.log('ignored'))?.[1] ?? 'f';
      // proc(5): bit n - 1 is signal n; SIGINT is 2, SIGQUIT 3.
      assert.equal(parseInt(mask.slice(-1), 16) & 0b110, 0);
    });

    it('a job’s environment applies to its tasks, not to the engine’s client', async (t) => {
      const more =
        'env: {PATH: "/nowhere:/usr/bin:/bin", HOME: /nowhere, TMPDIR: /nowhere, DOCKER_HOST: "tcp://nowhere:1", ' +
        'CONTAINERS_STORAGE_CONF: /nowhere, LINES: "a\\nb"}';
      const tasks = `- {name: env, run: 'echo "$PATH $HOME $DOCKER_HOST $LINES"'}`;
      const job = await runJobYaml(t, machine, jobYaml(machine, tasks, more));
      assert.equal(job.status, 0, job.output);
      assert.equal(await job.log('env'), '/nowhere:/usr/bin:/bin /nowhere tcp://nowhere:1 a\nb\n');
    });

    it('when the worker is killed, the processes of its task end soon after', async (t) => {
      const word = `soil${randomBytes(6).toString('hex')}`;
      // Without a container, only the process group can be ended once the worker is dead.
      const away = kind === 'raw' ? '' : 'setsid ';
      const tasks = `- {name: long, run: '${away}sh -c "while :; do sleep 1; done; : ${word}" & touch ready; wait'}`;
      const started = await startJob(machine, jobYaml(machine, tasks));
      t.after(() => rm(started.repo, { recursive: true, force: true }));
      const noRecord = assert.rejects(started.ended, /left no record/);
      await Promise.race([waitForFile(join(started.repo, 'ready')), noRecord]);
      assert.equal(await isProcessRunning(word), true);
      started.signal('SIGKILL');
      await noRecord;
      await waitUntil('the task ends', async () => !(await isProcessRunning(word)));
      await waitUntil('its container was removed', async () => (await machine.containers()).length === 0);
    });

    it('a task that ended in time passes even if the worker was suspended beyond its limit', async (t) => {
      const tasks = `
- name: patient
  timeout: 5s
  run: 'touch ready; while ! test -e go; do sleep 0.05; done; echo in time'
- {name: next, run: 'echo here'}`;
      const started = await startJob(machine, jobYaml(machine, tasks));
      t.after(() => rm(started.repo, { recursive: true, force: true }));
      await Promise.race([waitForFile(join(started.repo, 'ready')), started.ended]);
      started.signal('SIGSTOP');
      await writeFile(join(started.repo, 'go'), '');
      // Wait until the limit has passed while the worker is suspended.
      await setTimeout(6000);
      started.signal('SIGCONT');
      const job = await started.ended;
      assert.deepEqual(job.summary, ['patient 0 passed', 'next 0 passed'], job.output);
      assert.equal(job.status, 0);
    });

    it('a task that still runs beyond its limit when a suspended worker continues is timed out', async (t) => {
      const tasks = `
- {name: slow, timeout: 3s, run: 'touch ready; while :; do sleep 0.05; done'}
- {name: next, run: 'echo here'}`;
      const started = await startJob(machine, jobYaml(machine, tasks, 'grace: 1s'));
      t.after(() => rm(started.repo, { recursive: true, force: true }));
      await Promise.race([waitForFile(join(started.repo, 'ready')), started.ended]);
      started.signal('SIGSTOP');
      await setTimeout(4000);
      started.signal('SIGCONT');
      assert.deepEqual((await started.ended).summary, ['slow 124 timed-out', 'next 0 passed']);
    });

    it('a result that cannot be in a wwz is left out, and everything else is kept', async (t) => {
      const tasks = `
- name: files
  run: |
    mkdir out
    echo fine >out/fine.txt
    echo odd >'out/back\\slash.txt'
    echo odd >"$(printf 'out/bell\\007.txt')"
  results: ['out/', nothing-here.txt]`;
      const job = await runJobYaml(t, machine, jobYaml(machine, tasks));
      assert.equal(job.status, 0, job.output);
      const names = await entriesOf(join(job.out, 'job.wwz'));
      assert.deepEqual(
        names.filter((name) => name.startsWith('out/')),
        ['out/fine.txt'],
      );
      assert.ok(names.includes('_soil/logs/files.txt'));
      assert.match(job.output, /cannot store result "out\/back\\\\slash.txt"/);
      assert.match(job.output, /no file matches result "nothing-here.txt"/);
    });

    it('results never contain .git or the job’s own folder', async (t) => {
      const tasks = `- {name: all, run: 'echo x >index.html; echo y >y.txt', results: ['**']}`;
      const job = await runJobYaml(t, machine, jobYaml(machine, tasks));
      const names = await entriesOf(join(job.out, 'job.wwz'));
      assert.ok(names.includes('y.txt') && names.includes('_soil/results/index.html'), names.join(' '));
      assert.deepEqual(
        names.filter((name) => /\.git\/|control|supervisor|reserve/.test(name)),
        [],
      );
    });

    it('a task that removes the output folder does not change the results', async (t) => {
      const tasks = `
- {name: first, run: 'echo one'}
- {name: clean, run: 'rm -rf _soil'}
- {name: later, run: 'echo two'}`;
      const job = await runJobYaml(t, machine, jobYaml(machine, tasks));
      assert.equal(job.status, 0, job.output);
      assert.deepEqual(job.summary, ['first 0 passed', 'clean 0 passed', 'later 0 passed']);
      assert.equal(await job.log('later'), 'two\n');
      await must('unzip', ['-tq', join(job.out, 'job.wwz')]);
    });

    it('links and pipes in place of the worker’s files give a task no access to files of the machine', async (t) => {
      const folder = await mkdtemp(join(tmpdir(), 'soil-outside-'));
      t.after(() => rm(folder, { recursive: true, force: true }));
      const outside = join(folder, 'private');
      await writeFile(outside, 'of the machine\n', { mode: 0o600 });
      const plants = (path: string): string => `ln -sf ${outside} "$c/${path}"`;
      const tasks = `
- name: plants
  run: |
    c=\${SOIL_BUILTIN%/*}
    ${plants('out/1.1')}; ${plants('out/3.1')}; ${plants('task/3.sh')}; ${plants('out/2.2')}
    exit 3
- {name: again, run: 'exit 4', retries: 1}
- {name: last, run: 'echo written by the worker'}`;
      const links = await runJobYaml(t, machine, jobYaml(machine, tasks));
      // In a container, the folder is read-only.
      assert.equal(links.record.outcome, kind === 'raw' ? 'error' : 'failed', links.output);
      assert.equal(await readFile(outside, 'utf8'), 'of the machine\n');
      assert.equal((await stat(outside)).mode & 0o777, 0o600);
      const kept = await must('unzip', ['-p', join(links.out, 'job.wwz')]);
      assert.doesNotMatch(kept + links.output, /of the machine/);
      if (kind !== 'raw') return;
      const pipe = `- {name: a, run: 'p=\${SOIL_BUILTIN%/*}/out/1.1; rm "$p"; mkfifo "$p"; echo logged; exit 3'}`;
      const piped = await runJobYaml(t, machine, jobYaml(machine, pipe));
      assert.deepEqual(piped.summary, ['a 3 failed'], piped.output);
      assert.equal(await piped.log('a'), 'logged\n');
    });

    it('a link in place of the job’s own folder does not redirect the record', async (t) => {
      const folder = await mkdtemp(join(tmpdir(), 'soil-outside-'));
      t.after(() => rm(folder, { recursive: true, force: true }));
      const task = `- {name: a, run: 'mv _soil/job _soil/job.old; ln -s ${folder} _soil/job'}`;
      const job = await runJobYaml(t, machine, jobYaml(machine, task));
      assert.equal(job.status, 0, job.output);
      assert.deepEqual(await readdir(folder), []);
      assert.ok((await lstat(job.out)).isDirectory());
    });

    it('the control folder with scripts and environment is removed after the job', async (t) => {
      const job = await runJobYaml(t, machine, jobYaml(machine, `- {name: a, run: 'true'}`));
      assert.deepEqual((await readdir(job.out)).sort(), ['job.json', 'job.tsv', 'job.wwz', 'logs']);
      const names = await entriesOf(join(job.out, 'job.wwz'));
      assert.ok(names.includes('_soil/tasks.tsv'), 'the rows are in the wwz');
    });

    // In sequence, in parallel, and with a secret to redact while the disk fills.
    for (const more of ['', 'parallel: 2', 'secrets: [PASSWORD]']) {
      const name = more === '' ? '' : ` (${more})`;
      it(`a full disk under the logs is an error with a record, not a failed task${name}`, async (t) => {
        const tasks = `
- {name: small, run: 'echo small'}
- {name: large, run: 'head -c 30000000 /dev/zero', needs: [small]}
- {name: never, run: 'true', needs: [large]}`;
        const repo = await makeRepo({ 'soil.yml': jobYaml(machine, tasks, more) });
        const kept = await mkdtemp(join(tmpdir(), 'soil-full-'));
        t.after(() => Promise.all([repo, kept].map((f) => rm(f, { recursive: true, force: true }))));
        const end = await runOnSmallDisk(machine, repo, kept);
        assert.equal(end.status, 125, end.stdout + end.stderr);
        const record = await readFile(join(kept, 'job', 'job.json'), 'utf8');
        assert.match(record, /"outcome": "error"/);
        assert.match(record, /disk of the output folder was full after task \\"large\\"/);
        const tsv = await readFile(join(kept, 'job', 'job.tsv'), 'utf8');
        const rows = tsv.trim().split('\n').slice(1);
        assert.deepEqual(
          rows.map((line) => line.split('\t')[10]),
          ['passed', 'error', 'skipped'],
        );
        await must('unzip', ['-tq', join(kept, 'job', 'job.wwz')]);
        assert.deepEqual(await machine.containers(), []);
      });
    }

    if (kind !== 'raw') {
      it('a time-out keeps the container, even if the task used up all processes', async (t) => {
        const more = `grace: 1s\nengine-flags: ['--pids-limit=40']`;
        const tasks = `
- {name: first, run: 'touch /tmp/mark'}
- name: crowd
  timeout: 2s
  run: |
    (i=0; while [ $i -lt 200 ]; do sleep 600 & i=$((i + 1)); done) || touch full
    while :; do :; done
- {name: next, run: 'test -e /tmp/mark'}`;
        const job = await runJobYaml(t, machine, jobYaml(machine, tasks, more));
        assert.deepEqual(job.summary, ['first 0 passed', 'crowd 124 timed-out', 'next 0 passed']);
        await access(join(job.repo, 'full'));
        assert.deepEqual(await machine.containers(), []);
      });

      it('with --pid=host, a time-out removes the container, and the next task gets a new one', async (t) => {
        const word = `soil${randomBytes(6).toString('hex')}`;
        const tasks = `
- {name: late, timeout: 1s, run: 'setsid sh -c "trap : TERM; while :; do sleep 1; done; : ${word}" & wait; wait'}
- {name: next, run: 'echo here'}`;
        // --pid=host: process 1 is the machine's own, so kill -1 must not be used.
        const job = await runJobYaml(
          t,
          machine,
          jobYaml(machine, tasks, `grace: 1s\nengine-flags: ['--pid=host']`),
        );
        assert.deepEqual(job.summary, ['late 124 timed-out', 'next 0 passed']);
        await waitUntil('the late task ends', async () => !(await isProcessRunning(word)));
        assert.deepEqual(await machine.containers(), []);
      });

      it('a missing engine is an error with a record', async (t) => {
        const folder = await mkdtemp(join(tmpdir(), 'soil-path-'));
        t.after(() => rm(folder, { recursive: true, force: true }));
        await symlink((await must('sh', ['-c', 'command -v git'])).trim(), join(folder, 'git'));
        const job = await runJobYaml(t, machine, jobYaml(machine, `- {name: a, run: 'true'}`), {
          env: { PATH: folder },
        });
        assert.equal(job.status, 125, job.output);
        assert.deepEqual(job.summary, ['a 125 skipped']);
        assert.match(
          job.record.reason ?? '',
          new RegExp(`^cannot find a container engine: ${kind}: .*ENOENT`),
        );
      });

      it('a container that its engine kills or stops during a task is an error, and the next job runs', async (t) => {
        for (const words of [['kill'], ['stop', '--time', '0']]) {
          const tasks = `[{name: victim, run: 'touch ready; sleep 600'}, {name: never, run: 'true'}]`;
          const started = await startJob(machine, jobYaml(machine, tasks));
          t.after(() => rm(started.repo, { recursive: true, force: true }));
          await Promise.race([waitForFile(join(started.repo, 'ready')), started.ended]);
          const [name = ''] = await machine.containers();
          await must(kind, [...words, name], { env: machine.environment });
          const job = await started.ended;
          assert.deepEqual(job.summary, ['victim 125 error', 'never 125 skipped'], words[0]);
          assert.equal(job.record.outcome, 'error');
          assert.equal(job.status, 125);
          assert.deepEqual(await machine.containers(), []);
        }
        const next = await runJobYaml(t, machine, jobYaml(machine, `- {name: a, run: 'true'}`));
        assert.equal(next.status, 0, next.output);
      });

      it('no engine flag passes on a token', async (t) => {
        const job = await runJobYaml(
          t,
          machine,
          jobYaml(machine, `- {name: env, run: env}`, `engine-flags: ['--env', SOIL_TOKEN]`),
          { env: { SOIL_TOKEN: 'tok-en1' } },
        );
        assert.doesNotMatch(await job.log('env'), /tok-en/);
      });
    }

    if (kind === 'docker') {
      it('a restart of the engine during a job is an error; no container is left, and the next job runs', async (t) => {
        const tasks = `
- {name: first, run: 'true'}
- {name: victim, run: 'touch ready; sleep 600'}
- {name: never, run: 'true'}`;
        const started = await startJob(
          machine,
          jobYaml(machine, tasks, `engine-flags: ['--stop-timeout=1']`),
        );
        t.after(() => rm(started.repo, { recursive: true, force: true }));
        await Promise.race([waitForFile(join(started.repo, 'ready')), started.ended]);
        await machine.restart?.();
        const job = await started.ended;
        assert.deepEqual(
          job.summary,
          ['first 0 passed', 'victim 125 error', 'never 125 skipped'],
          job.output,
        );
        assert.equal(job.record.outcome, 'error');
        assert.equal(job.status, 125);
        assert.deepEqual(await machine.containers(), []);
        const next = await runJobYaml(t, machine, jobYaml(machine, `- {name: a, run: 'true'}`));
        assert.equal(next.status, 0, next.output);
      });

      it('an engine that stops for good is an error that names the container it may have left', async (t) => {
        const tasks = `[{name: victim, run: 'touch ready; sleep 600'}]`;
        const started = await startJob(
          machine,
          jobYaml(machine, tasks, `engine-flags: ['--stop-timeout=1']`),
        );
        t.after(() => rm(started.repo, { recursive: true, force: true }));
        await Promise.race([waitForFile(join(started.repo, 'ready')), started.ended]);
        await machine.restart?.(async () => {
          const job = await started.ended;
          assert.deepEqual(job.summary, ['victim 125 error']);
          assert.equal(job.status, 125);
          assert.match(
            job.output,
            /notice: cannot remove container "soil-[0-9a-f]+": .*\. To remove it: docker rm --force soil-/,
          );
        });
        await waitUntil('its container was removed', async () => (await machine.containers()).length === 0);
      });
    }

    if (kind === 'podman') {
      it('the death of podman’s monitor is an error, and its container is removed', async (t) => {
        const word = `soil${randomBytes(6).toString('hex')}`;
        const tasks = `
- {name: victim, run: 'sh -c "touch ready; while :; do sleep 1; done; : ${word}"'}
- {name: never, run: 'true'}`;
        const started = await startJob(machine, jobYaml(machine, tasks));
        t.after(() => rm(started.repo, { recursive: true, force: true }));
        await Promise.race([waitForFile(join(started.repo, 'ready')), started.ended]);
        assert.equal(await isProcessRunning(word), true);
        const [name = ''] = await machine.containers();
        const file = await must('podman', ['inspect', '--format', '{{.ConmonPidFile}}', name], {
          env: machine.environment,
        });
        process.kill(Number(await readFile(file.trim(), 'utf8')), 'SIGKILL');
        const job = await started.ended;
        assert.deepEqual(job.summary, ['victim 125 error', 'never 125 skipped'], job.output);
        assert.equal(job.status, 125);
        assert.deepEqual(await machine.containers(), []);
        await waitUntil('the task ends', async () => !(await isProcessRunning(word)));
      });
    }

    if (kind === 'raw') {
      it('runs in a folder with every special character of engines and shells in its name', async (t) => {
        const odd = await mkdtemp(join(tmpdir(), `soil '",$ü \\ `));
        t.after(() => rm(odd, { recursive: true, force: true }));
        const repo = await makeRepo({ 'soil.yml': jobYaml(machine, `- {name: a, run: 'pwd'}`) });
        await cp(repo, join(odd, 'repo'), { recursive: true });
        await rm(repo, { recursive: true, force: true });
        await must(process.execPath, [soilWorker, 'run', 'job'], {
          cwd: join(odd, 'repo'),
          env: { GITHUB_ACTIONS: '' },
        });
        const log = await readFile(join(odd, 'repo', '_soil', 'job', 'logs', 'a.txt'), 'utf8');
        assert.equal(log, `${join(odd, 'repo')}\n`);
      });
    }
  });
}
