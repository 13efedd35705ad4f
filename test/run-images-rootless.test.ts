/** Images from files and from a build, for an ordinary user with podman without root. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { must } from './command.js';
import { busyboxTar, testImage } from './engines.js';
import { type JobOptions, type JobRun, runJobYaml } from './job-fixture.js';
import { writeLayout } from './oci-layout-writer.js';
import { openRootless, type RootlessEngine } from './rootless.js';

type Test = Parameters<typeof runJobYaml>[0];

describe('soil-worker run on podman without root: where the image comes from', () => {
  let machine: RootlessEngine;
  /** owned by the ordinary user */
  let folder: string;
  before(async () => {
    machine = await openRootless();
    folder = await mkdtemp(join(tmpdir(), 'soil-images-'));
    await own();
  });
  after(async () => {
    await machine.close();
    await rm(folder, { recursive: true, force: true });
  });
  const own = () => must('chown', ['-R', `${machine.user.uid}:${machine.user.gid}`, folder]);
  const podman = (...args: string[]) =>
    must('podman', args, { env: machine.environment, cwd: folder, as: machine.user });
  const jobOf = (t: Test, image: string, tasks: string, files: JobOptions['files'] = {}): Promise<JobRun> =>
    runJobYaml(
      t,
      machine,
      `project: p\njobs:\n  job:\n    ${image}\n    network: none\n    grace: 1s\n    tasks: ${tasks}\n`,
      { as: machine.user, worker: machine.worker, files },
    );
  const writes = `[{name: a, run: 'echo x >made-here; echo here'}]`;
  const passed = async (job: JobRun) => {
    assert.equal(job.status, 0, job.output);
    assert.equal(await job.log('a'), 'here\n');
    assert.equal(job.record.image?.engine, 'podman');
    assert.equal(await must('find', [job.repo, '!', '-user', String(machine.user.uid)]), '');
    assert.deepEqual(await machine.containers(), []);
  };

  it('image: docker-archive:FILE and oci:DIR run, and their layers are recorded', async (t) => {
    const archive = join(folder, 'image.tar');
    await podman('save', '--quiet', '--output', archive, testImage);
    const layout = join(folder, 'layout');
    await writeLayout(archive, layout);
    await own();
    for (const image of [`docker-archive:${archive}`, `oci:${layout}`]) {
      const job = await jobOf(t, `image: ${image}`, writes);
      await passed(job);
      assert.equal(job.record.image?.name, image);
      assert.match(job.record.image.digest ?? '', /^sha256:/);
      assert.equal(job.record.image.layers.length, 1);
    }
  });

  it('image: rootfs:DIR runs and does not change the folder', async (t) => {
    const root = join(folder, 'root');
    await mkdir(root);
    await must('tar', ['-C', root, '-xf', await busyboxTar(folder)]);
    await own();
    const job = await jobOf(t, `image: rootfs:${root}`, `[{name: a, run: 'echo x >/made; echo here'}]`);
    await passed(job);
    assert.ok(!(await readdir(root)).includes('made'));
  });

  it('build: Containerfile builds an image, its log is in the wwz, and a second build uses the cache', async (t) => {
    const files = {
      Containerfile: `FROM ${testImage}\nRUN echo building the image; echo here >/made\nCOPY add.txt /\n`,
      'add.txt': 'added\n',
    };
    const build = 'build: {file: Containerfile, context: ., flags: [--network=none]}';
    const tasks = `[{name: a, run: 'cat /made; test -e /add.txt'}]`;
    const first = await jobOf(t, build, tasks, files);
    await passed(first);
    const log = (job: JobRun) => must('unzip', ['-p', join(job.out, 'job.wwz'), '_soil/image-build.txt']);
    assert.match(await log(first), /building the image/);
    const second = await jobOf(t, build, tasks, files);
    await passed(second);
    assert.equal(second.record.image?.digest, first.record.image?.digest);
    assert.match(await log(second), /Using cache/);
  });
});
