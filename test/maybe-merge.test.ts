import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { githubRemote } from '../worker/gate/github-remote.js';
import { serveGithubApi } from './github-api.js';
import { openMergeFixtures, soilYml, type MergeFixtures } from './merge-fixture.js';

for (const kind of ['git', 'github'] as const) {
  describe(`maybeMerge() by ${kind}`, () => {
    let fixtures: MergeFixtures;
    before(async () => {
      fixtures = await openMergeFixtures(kind);
    });
    after(() => fixtures.close());
    const createFixture: MergeFixtures['create'] = (...args) => fixtures.create(...args);

    it('fast-forwards the target when every required job is green, and says so again when called again', async () => {
      const s = await createFixture();
      s.setPassed('one');
      s.setPassed('two');
      const end = await s.maybeMerge();
      assert.deepEqual(end, { status: 0, message: `merged: main ${s.base} -> ${s.candidate}` });
      assert.equal(await s.tip(), s.candidate);
      assert.deepEqual(await s.maybeMerge(), { status: 0, message: `main is already at ${s.candidate}` });
      await s.close();
    });

    it('does not merge if a status is missing, HTML, truncated or a redirect: exit 1', async () => {
      const s = await createFixture();
      s.setPassed('one');
      const path = `/status-api/local/${s.run}/two`;
      const bad = [undefined, 'cut', { code: 500, body: '0' }, { code: 200, body: '' }] as const;
      const html = { code: 200, body: '<!doctype html><title>0</title>\n' };
      const elsewhere = { code: 302, body: `${fixtures.api.url}status-api/local/${s.run}/one` };
      for (const answer of [...bad, html, elsewhere, { code: 200, body: '0\n' }]) {
        if (answer === undefined) fixtures.api.answers.delete(path);
        else fixtures.api.answers.set(path, answer);
        const end = await s.maybeMerge();
        assert.equal(end.status, 1, JSON.stringify(answer));
        assert.match(end.message, /^not merged: .* is not green\n {2}two: has /);
        assert.equal(await s.tip(), s.base);
      }
      await s.close();
    });

    it('accepts a status only for the same attempt, commit and run', async () => {
      const s = await createFixture();
      s.setPassed('one');
      for (const change of [
        (line: string) => line.replace('attempt=1', 'attempt=2'),
        (line: string) => line.replace(s.candidate, s.base),
        (line: string) => line.replace('run=s', 'run=t'),
        (line: string) => line.replace('job=two', 'job=one'),
        (line: string) => line.replace(/^0/, '1'),
      ]) {
        s.setPassed('two', change);
        assert.equal((await s.maybeMerge()).status, 1);
      }
      s.setPassed('two');
      assert.equal((await s.maybeMerge({ maxAgeSeconds: 10 })).status, 1);
      assert.equal(await s.tip(), s.base);
      await s.close();
    });

    it('reads the required jobs from the target’s soil.yml, not from the candidate’s', async () => {
      const s = await createFixture('[one, two]', soilYml('[one]'));
      s.setPassed('one');
      const end = await s.maybeMerge();
      assert.equal(end.status, 1);
      assert.match(end.message, /two: has not reported/);
      await s.close();
    });

    it('rejects a rule that is missing, empty, invalid or for another branch: exit 2', async () => {
      for (const [rule, reason] of [
        ['[]', /require/],
        ['[three]', /three/],
        ['all}\nmore: {a: 1', /more/],
      ] as const) {
        const s = await createFixture(rule, soilYml('all'));
        s.setPassed('one');
        s.setPassed('two');
        const end = await s.maybeMerge();
        assert.equal(end.status, 2, rule);
        assert.match(end.message, reason);
        assert.equal(await s.tip(), s.base);
        await s.close();
      }
      const s = await createFixture();
      assert.equal((await s.maybeMerge({ target: 'release' })).status, 2);
      assert.match((await s.maybeMerge({ configPath: 'none.yml' })).message, /no none.yml at main/);
      await s.close();
    });

    it('does nothing on another branch and says so: exit 0', async () => {
      const s = await createFixture();
      const end = await s.maybeMerge({ branch: 'feature' });
      assert.equal(end.status, 0);
      assert.match(end.message, /^nothing to do on branch "feature"/);
      assert.equal(await s.tip(), s.base);
      await s.close();
    });

    it('does not move a target that has diverged: exit 3', async () => {
      const s = await createFixture();
      s.setPassed('one');
      s.setPassed('two');
      await s.git('checkout', '-q', 'main');
      await s.git('commit', '-q', '--allow-empty', '-m', 'elsewhere');
      await s.git('push', '-q', s.bare, 'main');
      const there = await s.tip();
      const end = await s.maybeMerge();
      assert.equal(end.status, 3);
      assert.match(end.message, /^not merged: [0-9a-f]{40} is not a fast-forward of main, which is at/);
      assert.equal(await s.tip(), there);
      await s.close();
    });

    it('of two gates that run at the same time, one merges, and the other finds the target merged', async () => {
      const s = await createFixture();
      s.setPassed('one');
      s.setPassed('two');
      const ends = await Promise.all([s.maybeMerge(), s.maybeMerge()]);
      assert.deepEqual(
        ends.map((end) => end.status),
        [0, 0],
      );
      assert.ok(ends.some((end) => end.message.startsWith('merged: ')));
      assert.equal(await s.tip(), s.candidate);
      await s.close();
    });

    it('waits for a job without a status, but not for one that failed', async () => {
      const s = await createFixture();
      s.setPassed('one');
      let now = 1000;
      const printed: string[] = [];
      const end = await s.maybeMerge({
        waitSeconds: 0.5,
        now: () => now,
        print: (line) => {
          printed.push(line);
          if (line === 'waiting for two') s.setPassed('two');
        },
      });
      assert.equal(end.status, 0);
      assert.ok(printed.includes('waiting for two'));
      const failed = await createFixture();
      failed.setPassed('one');
      failed.setPassed('two', (line) => line.replace(/^0/, '3').replace('=passed', '=failed'));
      const none: string[] = [];
      now = 1000;
      const shut = await failed.maybeMerge({
        waitSeconds: 3600,
        now: () => now,
        print: (line) => none.push(line),
      });
      assert.equal(shut.status, 1);
      assert.deepEqual(
        none.filter((line) => line.startsWith('waiting')),
        [],
      );
      await s.close();
      await failed.close();
    });

    if (kind === 'git') {
      it('reports the reason of a remote that refuses: exit 3', async () => {
        const s = await createFixture();
        s.setPassed('one');
        s.setPassed('two');
        await writeFile(join(s.bare, 'hooks', 'pre-receive'), '#!/bin/sh\necho protected >&2\nexit 1\n', {
          mode: 0o755,
        });
        const end = await s.maybeMerge();
        assert.equal(end.status, 3);
        assert.match(end.message, /refused the update: .*pre-receive hook declined/);
        assert.equal(await s.tip(), s.base);
        await s.close();
      });
    } else {
      it('does not force an update that GitHub refuses since the target moved: exit 3', async () => {
        const s = await createFixture();
        s.setPassed('one');
        s.setPassed('two');
        s.setBeforePatch(async () => {
          await s.git('checkout', '-q', 'main');
          await s.git('commit', '-q', '--allow-empty', '-m', 'first');
          await s.git('push', '-q', s.bare, 'main');
        });
        const end = await s.maybeMerge();
        assert.equal(end.status, 3);
        assert.match(
          end.message,
          /refused the update: .*Update is not a fast forward \(HTTP 422\); main has moved to/,
        );
        await s.close();
      });

      it('reports GitHub’s reason for refusing a wrong token', async () => {
        const s = await createFixture();
        const github = await serveGithubApi(s.bare, 'right');
        const remote = githubRemote({ repository: 'o/r', api: github.api, token: 'wrong' });
        const end = await s.maybeMerge({ remote });
        assert.equal(end.status, 3);
        assert.match(end.message, /Bad credentials \(HTTP 401\)/);
        assert.doesNotMatch(end.message, /wrong/);
        await github.close();
        await s.close();
      });
    }
  });
}
