import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { parseJobName, type CommitHash } from '../model/name.js';
import { valueOf } from '../model/result.js';
import { gitRemote } from '../worker/gate/git-remote.js';
import { readStatus } from '../worker/client/status-client.js';
import { must } from './command.js';
import { openMergeFixtures, soilYml, type MergeFixture, type StatusApi } from './merge-fixture.js';

interface GreenFixture {
  readonly fixture: MergeFixture;
  readonly api: StatusApi;
}

/** Creates a fixture in which each required job is green. */
async function createGreenFixture(
  t: TestContext,
  kind: 'git' | 'github',
  require = 'all',
): Promise<GreenFixture> {
  const fixtures = await openMergeFixtures(kind);
  const fixture = await fixtures.create(require);
  t.after(async () => {
    await fixture.close();
    await fixtures.close();
  });
  fixture.setPassed('one');
  fixture.setPassed('two');
  return { fixture, api: fixtures.api };
}

/** Commits a soil.yml on top of the checked-out commit. */
async function commitYml({ clone, git }: MergeFixture, text: string, message: string): Promise<CommitHash> {
  await writeFile(join(clone, 'soil.yml'), text);
  await git('commit', '-q', '--allow-empty', '-a', '-m', message);
  return (await git('rev-parse', 'HEAD')).trim() as CommitHash;
}

for (const kind of ['git', 'github'] as const) {
  test(`maybeMerge() by ${kind} applies the new rule of a target that moves while the gate waits`, async (t) => {
    const { fixture, api } = await createGreenFixture(t, kind, '[one]');
    api.answers.delete(`/status-api/local/${fixture.run}/two`);
    // The target moves to an ancestor of the candidate that requires more, from where a fast-forward is possible.
    await fixture.git('checkout', '-q', '--detach', fixture.base);
    const stricter = await commitYml(fixture, soilYml('[one, two]'), 'stricter');
    const candidate = await commitYml(fixture, soilYml('[one]'), 'candidate');
    await fixture.git('push', '-q', fixture.bare, `+${candidate}:refs/heads/soil-staging`);
    fixture.setPassed('one', (line) => line.replace(fixture.candidate, candidate));
    const printed: string[] = [];
    const waiting: Promise<unknown>[] = [];
    const end = await fixture.maybeMerge({
      commit: candidate,
      print: (line) => {
        printed.push(line);
        if (waiting.length === 0)
          waiting.push(must('git', ['--git-dir', fixture.bare, 'update-ref', 'refs/heads/main', stricter]));
      },
      now: () => 1000,
      remote: {
        ...fixture.remote,
        readTip: async (branch) => {
          await Promise.all(waiting);
          return fixture.remote.readTip(branch);
        },
      },
    });
    assert.equal(end.status, 1, end.message);
    assert.match(end.message, /\n {2}two: has not reported$/);
    assert.ok(printed.includes(`main moved to ${stricter}: reading its rule again`), printed.join('\n'));
    assert.equal(await fixture.tip(), stricter);
  });

  test(`maybeMerge() by ${kind} reports success if the target moves to a later commit after the merge`, async (t) => {
    const { fixture } = await createGreenFixture(t, kind);
    const later = await commitYml(fixture, soilYml('all'), 'later');
    await fixture.git('push', '-q', fixture.bare, `${later}:refs/heads/topic`);
    for (const [when, message] of [
      ['before', `main already contains ${fixture.candidate}; its tip is ${later}`],
      ['after', `merged: main ${fixture.base} -> ${fixture.candidate}; it has since moved to ${later}`],
    ] as const) {
      await must('git', ['--git-dir', fixture.bare, 'update-ref', 'refs/heads/main', fixture.base]);
      const move = () => must('git', ['--git-dir', fixture.bare, 'update-ref', 'refs/heads/main', later]);
      const end = await fixture.maybeMerge({
        remote: {
          ...fixture.remote,
          fastForward: async (branch, commit) => {
            if (when === 'before') await move();
            const moved = await fixture.remote.fastForward(branch, commit);
            if (when === 'after') await move();
            return moved;
          },
        },
      });
      assert.deepEqual(end, { status: 0, message });
    }
  });

  test(`maybeMerge() by ${kind} does not retry a status that the server refuses`, async (t) => {
    const { fixture, api } = await createGreenFixture(t, kind);
    api.answers.set(`/status-api/local/${fixture.run}/two`, { code: 403, body: 'no' });
    const printed: string[] = [];
    const end = await fixture.maybeMerge({ waitSeconds: 3600, print: (line) => printed.push(line) });
    assert.equal(end.status, 1);
    assert.match(end.message, /two: has no usable status: the server answered 403$/);
    assert.deepEqual(
      printed.filter((line) => line.startsWith('waiting')),
      [],
    );
  });
}

test('gitRemote() ignores grafts of the clone, which can make a commit look like a descendant', async (t) => {
  const { fixture, api } = await createGreenFixture(t, 'git');
  await fixture.git('checkout', '-q', '--orphan', 'other');
  const other = await commitYml(fixture, soilYml('all'), 'of another history');
  await fixture.git('push', '-q', fixture.bare, 'other');
  await writeFile(join(fixture.clone, '.git', 'info', 'grafts'), `${other} ${fixture.base}\n`);
  for (const job of ['one', 'two']) fixture.setPassed(job, (line) => line.replace(fixture.candidate, other));
  assert.equal(api.answers.size, 2);
  const end = await fixture.maybeMerge({ commit: other });
  assert.equal(end.status, 3, end.message);
  assert.match(end.message, /is not a fast-forward of main/);
  assert.equal(await fixture.tip(), fixture.base);
});

test('gitRemote() merges a descendant of the target from a shallow clone', async (t) => {
  const { fixture } = await createGreenFixture(t, 'git');
  // The checkout of a gate is often shallow. It is not asked.
  await writeFile(join(fixture.clone, '.git', 'shallow'), `${fixture.candidate}\n`);
  const end = await fixture.maybeMerge();
  assert.deepEqual(end, { status: 0, message: `merged: main ${fixture.base} -> ${fixture.candidate}` });
  assert.equal(await fixture.tip(), fixture.candidate);
});

test('gitRemote() reports missing history if the remote is shallow', async (t) => {
  const { fixture } = await createGreenFixture(t, 'git');
  const shallow = join(fixture.clone, 'shallow.git');
  const later = await commitYml(fixture, soilYml('all'), 'later');
  await fixture.git('push', '-q', fixture.bare, 'soil-staging');
  for (const job of ['one', 'two']) fixture.setPassed(job, (line) => line.replace(fixture.candidate, later));
  // It does not have the commit between main and this one.
  const words = ['clone', '-q', '--bare', '--depth', '1', '--no-single-branch'];
  await must('git', [...words, `file://${fixture.bare}`, shallow]);
  // Over a network the gate asks for commits without files, and could ask such a remote forever.
  const ssh = join(fixture.clone, 'ssh');
  await writeFile(ssh, '#!/bin/sh\nfor words; do :; done\neval "$words"\n', { mode: 0o755 });
  for (const url of [shallow, `ssh://host${shallow}`]) {
    const environment = { ...process.env, GIT_SSH_COMMAND: ssh };
    const remote = gitRemote({ remote: url, candidate: later, environment });
    const end = await fixture.maybeMerge({ remote, commit: later });
    await remote.close?.();
    assert.match(end.message, /the remote is shallow, and does not have its history/);
    assert.equal(end.status, 2);
  }
});

test('gitRemote() merges over a network, where it fetches no files but soil.yml', async (t) => {
  const { fixture } = await createGreenFixture(t, 'git');
  await must('git', ['--git-dir', fixture.bare, 'config', 'uploadpack.allowFilter', 'true']);
  const ssh = join(fixture.clone, 'ssh');
  await writeFile(ssh, '#!/bin/sh\nfor words; do :; done\neval "$words"\n', { mode: 0o755 });
  const environment = { ...process.env, GIT_SSH_COMMAND: ssh };
  const remote = gitRemote({
    remote: `ssh://host${fixture.bare}`,
    candidate: fixture.candidate,
    environment,
  });
  const end = await fixture.maybeMerge({ remote });
  await remote.close?.();
  assert.deepEqual(end, { status: 0, message: `merged: main ${fixture.base} -> ${fixture.candidate}` });
  assert.equal(await fixture.tip(), fixture.candidate);
});

test('gitRemote() names a commit that the remote does not have', async (t) => {
  const { fixture } = await createGreenFixture(t, 'git');
  const absent = fixture.candidate.replace(/^..../, '0000') as CommitHash;
  for (const job of ['one', 'two']) fixture.setPassed(job, (line) => line.replace(fixture.candidate, absent));
  const end = await fixture.maybeMerge({ commit: absent });
  assert.equal(end.status, 3);
  assert.match(end.message, new RegExp(`cannot fetch ${absent}: .*not our ref ${absent}`));
});

test('gitRemote() reads a tip that the branch has moved away from, also from an old server', async (t) => {
  const { fixture } = await createGreenFixture(t, 'git');
  // This server is not told which version of the protocol the client speaks, so it speaks the first one.
  const ssh = join(fixture.clone, 'old-ssh');
  await writeFile(ssh, '#!/bin/sh\nunset GIT_PROTOCOL\nfor words; do :; done\neval "$words"\n', {
    mode: 0o755,
  });
  const environment = { ...process.env, GIT_SSH_COMMAND: ssh };
  const remote = gitRemote({ remote: `ssh://old${fixture.bare}`, environment });
  assert.deepEqual(await remote.readTip('main'), { ok: true, value: fixture.base });
  await must('git', ['--git-dir', fixture.bare, 'update-ref', 'refs/heads/main', fixture.candidate]);
  assert.deepEqual(await remote.readFile(fixture.base, 'soil.yml'), { ok: true, value: soilYml('all') });
  await remote.close?.();
});

test('gitRemote() pushes only the branch, even if the clone is configured to push more', async (t) => {
  const { fixture } = await createGreenFixture(t, 'git');
  await fixture.git('config', 'push.followTags', 'true');
  await fixture.git('tag', '-a', '-m', 'not to be published', 'v1');
  assert.equal((await fixture.maybeMerge()).status, 0);
  assert.equal(await must('git', ['--git-dir', fixture.bare, 'tag']), '');
});

test('gitRemote() prints no credentials of a URL', async (t) => {
  const { fixture } = await createGreenFixture(t, 'git');
  const remote = gitRemote({
    remote: 'http://someone:ghp_hushhush@127.0.0.1:9/repo.git',
    environment: process.env,
  });
  const end = await fixture.maybeMerge({ remote });
  assert.equal(end.status, 3);
  assert.match(end.message, /127\.0\.0\.1:9\/repo\.git/);
  assert.doesNotMatch(`${end.message} ${remote.name}`, /hushhush|someone/);
});

test('githubRemote() reads the tip again if GitHub still shows the old one after the update', async (t) => {
  const { fixture } = await createGreenFixture(t, 'github');
  const stale: [number, unknown] = [200, { ref: 'refs/heads/main', object: { sha: fixture.base } }];
  for (const answers of [
    [stale, stale],
    [[502, 'Bad Gateway'], stale],
  ] as [number, unknown][][]) {
    await must('git', ['--git-dir', fixture.bare, 'update-ref', 'refs/heads/main', fixture.base]);
    let isPatched = false;
    fixture.github.instead = (call) => {
      if (call.startsWith('PATCH')) isPatched = true;
      return isPatched && call === 'GET git/ref/heads/main' ? answers.shift() : undefined;
    };
    const end = await fixture.maybeMerge();
    assert.deepEqual(end, { status: 0, message: `merged: main ${fixture.base} -> ${fixture.candidate}` });
  }
});

test('githubRemote() reports why an update could not be confirmed', async (t) => {
  const { fixture } = await createGreenFixture(t, 'github');
  let isPatched = false;
  fixture.github.instead = (call) => {
    if (call.startsWith('PATCH')) isPatched = true;
    return isPatched && call.startsWith('GET') ? [503, { message: 'Unavailable' }] : undefined;
  };
  const end = await fixture.maybeMerge();
  assert.equal(end.status, 3);
  assert.match(
    end.message,
    /^cannot confirm the merge: main was moved to .*, but cannot read branch "main": Unavailable \(HTTP 503\)$/,
  );
});

for (const [status, message] of [
  [403, 'Resource not accessible by integration'],
  [404, 'Not Found'],
  [409, 'Reference cannot be updated'],
  [422, 'Update is not a fast forward'],
] as const) {
  test(`maybeMerge() by github exits with 3 if the update gets ${status}`, async (t) => {
    const { fixture } = await createGreenFixture(t, 'github');
    fixture.github.instead = (call) => (call.startsWith('PATCH') ? [status, { message }] : undefined);
    const end = await fixture.maybeMerge();
    assert.equal(end.status, 3);
    assert.match(
      end.message,
      new RegExp(`refused the update: ${message} \\(HTTP ${status}\\); main is still at ${fixture.base}$`),
    );
    assert.equal(fixture.github.calls.filter((call) => call.startsWith('PATCH')).length, 1);
    assert.equal(await fixture.tip(), fixture.base);
  });
}

test('githubRemote() neither reports as refused nor repeats an update with an unclear response', async (t) => {
  const { fixture } = await createGreenFixture(t, 'github');
  fixture.github.instead = (call) => (call.startsWith('PATCH') ? [502, 'Bad Gateway'] : undefined);
  const end = await fixture.maybeMerge();
  assert.equal(end.status, 3);
  assert.match(
    end.message,
    /^cannot confirm the merge: no clear answer from .* no reason given \(HTTP 502\); main is still at \w+$/,
  );
  assert.equal(fixture.github.calls.filter((call) => call.startsWith('PATCH')).length, 1);
});

test('gitRemote() does not report a push that exceeds its limit as refused, since it may still succeed', async (t) => {
  const { fixture } = await createGreenFixture(t, 'git');
  const [gate, hook] = [join(fixture.bare, 'go'), join(fixture.bare, 'hooks', 'pre-receive')];
  await must('mkfifo', [gate]);
  await writeFile(hook, `#!/bin/sh\nread -r line <'${gate}'\n`, { mode: 0o755 });
  const remote = gitRemote({
    ...{ remote: fixture.bare, candidate: fixture.candidate, environment: process.env },
    limitSeconds: 10,
  });
  const end = await fixture.maybeMerge({ remote });
  assert.equal(end.status, 3);
  assert.match(
    end.message,
    /^cannot confirm the merge: no clear answer from .*: timed out after 10 s; main is still at \w+$/,
  );
  // The hook continues, and the remote completes the push.
  await writeFile(gate, 'go\n');
  while ((await fixture.tip()) !== fixture.candidate) await setTimeout(50);
  assert.deepEqual(await fixture.maybeMerge(), {
    status: 0,
    message: `main is already at ${fixture.candidate}`,
  });
});

test('githubRemote() merges despite one failed read from GitHub', async (t) => {
  const { fixture } = await createGreenFixture(t, 'github');
  const seen = new Set<string>();
  fixture.github.instead = (call) => {
    if (!call.startsWith('GET') || seen.has(call)) return undefined;
    seen.add(call);
    return [502, '<html>Bad Gateway'];
  };
  const end = await fixture.maybeMerge();
  assert.equal(end.status, 0, end.message);
  assert.equal(seen.size, 3);
});

test('githubRemote() does not report a repository that the token cannot see as a missing branch', async (t) => {
  const { fixture } = await createGreenFixture(t, 'github');
  fixture.github.instead = () => [404, { message: 'Not Found' }];
  assert.deepEqual(await fixture.maybeMerge(), {
    status: 3,
    message: 'cannot read o/r with this token: Not Found (HTTP 404)',
  });
});

test(
  'readStatus() ends where an answer claims an encoding that it does not have',
  { timeout: 60_000 },
  async (t) => {
    const server = createServer((_, response) => {
      response.writeHead(200, { 'Content-Encoding': 'gzip' }).end('0 no gzip at all\n');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const job = valueOf(parseJobName('one'));
    assert.deepEqual(await readStatus({ server: url, host: 'local', run: 'r', job }), {
      kind: 'unusable',
      reason: 'the answer is encoded as "gzip"',
    });
  },
);
