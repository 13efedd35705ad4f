/** Tests of every source of an image with a real engine and a real registry, the same for podman and docker. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { must } from './command.js';
import { openEngine, testImage, type TestEngine } from './engines.js';
import { checkPage } from './html-check.js';
import {
  type JobOptions,
  type JobRun,
  runJobYaml,
  liveFile,
  startJob,
  waitForOutput,
} from './job-fixture.js';
import { writeLayout } from './oci-layout-writer.js';
import { startRegistry, type TestRegistry } from './registry.js';

type Test = Parameters<typeof runJobYaml>[0];

export function testImages(kind: 'podman' | 'docker'): void {
  describe(`soil-worker run on ${kind}: where the image comes from`, () => {
    let machine: TestEngine;
    let registry: TestRegistry;
    let folder: string;
    /** in the registry, not in the engine */
    let remote: string;
    before(async () => {
      registry = await startRegistry();
      const opened = await openEngine(kind);
      machine = {
        ...opened,
        environment: { ...opened.environment, CONTAINERS_REGISTRIES_CONF: registry.podmanConfig },
      };
      folder = await mkdtemp(join(tmpdir(), 'soil-images-'));
      remote = `${registry.address}/soil/busybox:1`;
      // A new image: one that podman also has under another name has two digests for each name.
      const context = join(folder, 'remote');
      await mkdir(context);
      await writeFile(join(context, 'Containerfile'), `FROM ${testImage}\nLABEL from=registry\n`);
      await engine('build', '--file', join(context, 'Containerfile'), '--tag', remote, context);
      await engine('push', ...(kind === 'podman' ? ['--quiet'] : []), remote);
      await engine('rmi', remote);
    });
    after(async () => {
      await machine.close();
      await registry.close();
      await rm(folder, { recursive: true, force: true });
    });
    const engine = (...args: string[]) => must(kind, args, { env: machine.environment });
    const imageIds = async () => new Set((await engine('images', '--all', '--quiet')).trim().split('\n'));
    const yaml = (image: string, tasks = `[{name: a, run: 'echo here'}]`) =>
      `project: p\njobs:\n  job:\n    ${image}\n    network: none\n    grace: 1s\n    tasks: ${tasks}\n`;
    const jobOf = (t: Test, image: string, options?: JobOptions): Promise<JobRun> =>
      runJobYaml(t, machine, yaml(image), options);
    const page = async (job: JobRun, name: string) => must('unzip', ['-p', join(job.out, 'job.wwz'), name]);
    const passed = async (job: JobRun) => {
      assert.equal(job.status, 0, job.output);
      assert.equal(await job.log('a'), 'here\n');
      assert.equal(job.record.image?.engine, kind);
      assert.deepEqual(await machine.containers(), []);
    };
    const isError = (job: JobRun, reason: RegExp) => {
      assert.equal(job.status, 125, job.output);
      assert.equal(job.record.outcome, 'error');
      assert.match(job.record.reason ?? '', reason);
      assert.deepEqual(job.summary, ['a 125 skipped'], 'no task failed');
    };

    it('pulls from a registry, and records time, digest, layers and size, which a page shows', async (t) => {
      const job = await jobOf(t, `image: ${remote}`);
      await passed(job);
      const { image, imagePullSeconds } = job.record;
      assert.ok(image);
      assert.ok((imagePullSeconds ?? 0) > 0);
      // The digest of the name in the registry itself.
      const answer = await fetch(`http://${registry.address}/v2/soil/busybox/manifests/1`, {
        headers: {
          accept:
            'application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json',
        },
      });
      assert.equal(image.digest, answer.headers.get('docker-content-digest'));
      assert.equal(image.layers.length, 2, 'the base and a label');
      assert.ok((image.bytes ?? 0) > 500_000 && (image.layers[0]?.bytes ?? 0) > 500_000);
      const { text, faults } = checkPage(await page(job, '_soil/image.html'));
      assert.deepEqual(faults, []);
      assert.match(text, /Pulled in/);
      assert.ok(text.includes(image.digest ?? '-') && text.includes(remote));
      assert.match(job.output, /pulling 127.*\npulled 127/);
      // It exists now: nothing is pulled, and no time is recorded.
      const again = await jobOf(t, `image: ${remote}`);
      await passed(again);
      assert.equal(again.record.imagePullSeconds, undefined);
    });

    it('retries an unreachable registry, and the job passes once it responds', async (t) => {
      registry.setMode('broken');
      const started = await startJob(machine, yaml(`image: ${remote}\n    pull: {when: always, retries: 3}`));
      t.after(() => rm(started.repo, { recursive: true, force: true }));
      await waitForOutput(started, /notice: attempt 1 of 4 to pull .* failed/);
      registry.setMode('fine');
      await passed(await started.ended);
      assert.ok(registry.refused() > 0);
    });

    it('a registry that stays unreachable is an error with the number of attempts', async (t) => {
      registry.setMode('broken');
      const job = await jobOf(t, `image: ${remote}\n    pull: {when: always, retries: 1}`);
      registry.setMode('fine');
      isError(job, /^cannot pull image "127.*" in 2 attempts: .*503/);
    });

    it('a registry that never responds is an error at the limit', async (t) => {
      registry.setMode('hanging');
      const job = await jobOf(t, `image: ${remote}\n    pull: {when: always, timeout: 2s}`);
      registry.setMode('fine');
      isError(job, /cannot pull image ".*": timed out after 2 s/);
    });

    it('SIGTERM during a pull cancels the job', async (t) => {
      registry.setMode('hanging');
      const before = registry.refused();
      const started = await startJob(machine, yaml(`image: ${remote}\n    pull: always`));
      t.after(() => rm(started.repo, { recursive: true, force: true }));
      await waitForOutput(started, /pulling /, () => registry.refused() > before);
      started.signal('SIGTERM');
      const job = await started.ended;
      registry.setMode('fine');
      assert.equal(job.status, 130, job.output);
      assert.equal(job.record.outcome, 'cancelled');
    });

    it('does not retry a name that the registry does not have', async (t) => {
      const job = await jobOf(t, `image: ${registry.address}/soil/none:1\n    pull: {retries: 9}`);
      isError(job, /^cannot pull image "127[^"]*": /);
      assert.doesNotMatch(job.output, /try 1/);
    });

    it('image: docker-archive:FILE and oci:DIR run, and their layers are recorded', async (t) => {
      const archive = join(folder, 'image.tar');
      await engine('save', '--output', archive, testImage);
      const layout = join(folder, 'layout');
      await writeLayout(archive, layout);
      for (const [image, path] of [
        [`docker-archive:${archive}`, archive],
        [`oci:${layout}`, layout],
      ] as const) {
        const job = await jobOf(t, `image: ${image}`);
        await passed(job);
        assert.equal(job.record.image?.name, image);
        assert.match(job.record.image.digest ?? '', /^sha256:/);
        assert.equal(job.record.image.layers.length, 1, path);
        assert.match(checkPage(await page(job, '_soil/image.html')).text, /Loaded in/);
      }
      isError(await jobOf(t, 'image: docker-archive:none.tar'), /cannot load image "docker-archive:.*ENOENT/);
      isError(await jobOf(t, 'image: docker-archive:.'), /it is a folder/);
      isError(
        await jobOf(t, 'image: docker-archive:no.tar', { files: { 'no.tar': 'no' } }),
        /cannot load image/,
      );
      isError(await jobOf(t, 'image: oci:.'), /cannot load image "oci:/);
    });

    it('image: rootfs:DIR runs, does not change the folder, and leaves nothing in the engine', async (t) => {
      const root = join(folder, 'root');
      await mkdir(root);
      const container = (await engine('create', '--network=none', testImage, 'true')).trim();
      const tar = join(folder, 'root.tar');
      await engine('export', '--output', tar, container);
      await engine('rm', container);
      await must('tar', ['-C', root, '-xf', tar]);
      const images = await imageIds();
      const job = await runJobYaml(
        t,
        machine,
        yaml(`image: rootfs:${root}`, `[{name: a, run: 'echo x >/made; echo here'}]`),
      );
      await passed(job);
      assert.ok(!(await readdir(root)).includes('made'));
      assert.deepEqual(await imageIds(), images);
      isError(await jobOf(t, 'image: rootfs:none'), /cannot load image "rootfs:.*ENOENT/);
    });

    it('build: Containerfile builds an image, its log is in the wwz, and a second build uses the cache', async (t) => {
      const files = {
        Containerfile: `FROM ${testImage}\nRUN echo building the image; echo made >/made\nCOPY add.txt /\n`,
        'add.txt': 'added\n',
      };
      const text = yaml(
        `build: {file: Containerfile, context: ., flags: [--network=none]}`,
        `[{name: a, run: 'cat /made /add.txt; ls _soil >/dev/null || true'}]`,
      );
      const first = await runJobYaml(t, machine, text, { files });
      assert.equal(first.status, 0, first.output);
      assert.equal(await first.log('a'), 'made\nadded\n');
      assert.ok((first.record.imagePullSeconds ?? 0) > 0);
      assert.equal(first.record.image?.layers.length, 3, 'the base and the two lines');
      assert.match(await page(first, '_soil/image-build.txt'), /building the image/);
      assert.match(await page(first, 'index.html'), /href="_soil\/image-build\.txt"/);
      const { text: shown, faults } = checkPage(await page(first, '_soil/image.html'));
      assert.deepEqual(faults, []);
      assert.match(shown, /Built in/);
      assert.match(shown, /build:Containerfile/);
      assert.match(shown, /building the image/);
      const second = await runJobYaml(t, machine, text, { files });
      assert.equal(second.record.image?.digest, first.record.image.digest);
      assert.match(await page(second, '_soil/image-build.txt'), /Using cache/);
    });

    it('a build that fails is an error with its log, not a failed task', async (t) => {
      const job = await jobOf(t, 'build: {file: Containerfile, flags: [--network=none]}', {
        files: { Containerfile: `FROM ${testImage}\nRUN echo it breaks here; exit 3\n` },
      });
      isError(job, /^cannot build image "Containerfile": .*3/);
      assert.match(await page(job, '_soil/image-build.txt'), /it breaks here/);
      assert.deepEqual(await machine.containers(), [], 'the container of the failed step was removed');
      assert.match(await page(job, 'index.html'), /href="_soil\/image-build\.txt"/);
      isError(await jobOf(t, 'build: None'), /cannot build image "None"/);
    });

    it('a secret that a build prints is redacted in its log, the record and the reason', async (t) => {
      const secret = 'build-secret+0123456789';
      const build = `build: {file: Containerfile, flags: [--network=none, --build-arg=PASSWORD]}\n    secrets: [PASSWORD]`;
      const lines = `FROM ${testImage}\nARG PASSWORD\n`;
      const options = (more: string) => ({
        files: { Containerfile: lines + more },
        env: { PASSWORD: secret },
      });
      const job = await jobOf(t, build, options('RUN echo "it is $PASSWORD."\n'));
      await passed(job);
      assert.match(await page(job, '_soil/image-build.txt'), /^(#\S+ \S+ )?it is \*+\.$/m);
      const failed = await jobOf(t, build, options('RUN echo "$PASSWORD" >&2; exit 3\n'));
      isError(failed, /^cannot build image "Containerfile": /);
      for (const { out, output } of [job, failed]) {
        const texts = [output, await readFile(join(out, 'job.json'), 'utf8')];
        texts.push(await readFile(join(out, 'image-build.txt'), 'utf8'));
        texts.push(await must('unzip', ['-p', join(out, 'job.wwz')]));
        for (const text of texts) assert.ok(!text.includes(secret), text);
      }
    });

    it('the limit and SIGTERM end a build', async (t) => {
      const files = {
        Containerfile: `FROM ${testImage}\nRUN echo begun; while :; do sleep 1; done\n`,
      };
      const build = (more: string) => `build: {file: Containerfile, flags: [--network=none]${more}}`;
      const late = await jobOf(t, build(', timeout: 3s'), { files });
      isError(late, /cannot build image "Containerfile": timed out after 3 s/);
      const started = await startJob(machine, yaml(build('')), { files });
      t.after(() => rm(started.repo, { recursive: true, force: true }));
      await waitForOutput(started, /building build:Containerfile/, async () =>
        (await readFile(await liveFile(started, 'image-build.txt'), 'utf8').catch(() => '')).includes(
          'begun',
        ),
      );
      started.signal('SIGTERM');
      const job = await started.ended;
      assert.equal(job.record.outcome, 'cancelled', job.output);
      assert.equal(job.status, 130);
      // docker's daemon ends the step a moment after its client has ended.
      const limit = Date.now() + 60_000;
      while ((await machine.containers()).length > 0 && Date.now() < limit) await setTimeout(100);
      assert.deepEqual(await machine.containers(), []);
    });
  });
}
