import assert from 'node:assert/strict';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { must } from '../../test/command.js';
import { makeRepo } from '../../test/git-repo.js';
import { gitReason, runGit } from './git.js';
import { findRepo } from './git-folder.js';
import { readGitHead } from './git-head.js';
import { readGit } from './repo-view.js';

const environment = { ...process.env, SOIL_TOKEN: 'soil_static_x_verysecret' };

test('findRepo() takes the folder with .git, whatever folder the repo’s configuration names', async (t) => {
  const repo = await makeRepo({ 'sub/a.txt': 'a' });
  t.after(() => rm(repo, { recursive: true, force: true }));
  assert.equal(await findRepo(join(repo, 'sub')), repo);
  await must('git', ['-C', repo, 'config', 'core.worktree', dirname(repo)]);
  assert.equal(await findRepo(repo), repo);
  await rm(join(repo, '.git'), { recursive: true });
  assert.equal(await findRepo(join(repo, 'sub')), undefined);
});

test('gitReason() returns the reason without git’s advice', async (t) => {
  const repo = await makeRepo({});
  t.after(() => rm(repo, { recursive: true, force: true }));
  const reasonFor = async (...args: string[]) =>
    gitReason(await runGit(args, { environment, cwd: repo, transports: ['file'] }));
  assert.match(
    await reasonFor('ls-remote', '--', '/nowhere/at-all'),
    /'\/nowhere\/at-all' does not appear to be a git/,
  );
  assert.doesNotMatch(await reasonFor('ls-remote', '--', '/nowhere/at-all'), /the repository exists/);
  assert.equal(await reasonFor('rev-parse', '--verify', '-q', 'refs/heads/none at all'), 'exit status 1');
});

test('readGit() and readGitHead() run no program that a task wrote into the repo’s configuration', async (t) => {
  const repo = await makeRepo({ 'a.txt': 'a' });
  t.after(() => rm(repo, { recursive: true, force: true }));
  const traces = join(repo, 'traces');
  await mkdir(traces);
  const writeTrace = (name: string): string => `env >'${join(traces, name)}'; false`;
  for (const [key, command] of [
    ['core.fsmonitor', writeTrace('fsmonitor')],
    ['core.pager', writeTrace('pager')],
    ['gpg.program', writeTrace('gpg')],
    ['log.showSignature', 'true'],
    ['protocol.ext.allow', 'always'],
    ['remote.origin.url', `ext::sh -c env% >${join(traces, 'ext')}`],
    ['remote.origin.promisor', 'true'],
    ['extensions.partialClone', 'origin'],
    ['core.repositoryFormatVersion', '1'],
  ] as const) {
    await must('git', ['-C', repo, 'config', key, command]);
  }
  assert.equal((await readGit(['ls-files', '--others', '-z'], { environment, repo })).status, 0);
  assert.ok((await readGitHead(repo, environment)).commit !== undefined);
  // git would fetch a missing commit from the promisor remote.
  await rm(join(repo, '.git/objects'), { recursive: true });
  await mkdir(join(repo, '.git/objects'));
  assert.equal((await readGitHead(repo, environment)).commit, undefined);
  assert.deepEqual(await readdir(traces), []);
});
