import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { findFlagSecrets } from './flag-secrets.js';

const environment = {
  DEPLOY_TOKEN: 'from-the-environment',
  DEPLOY_HOST: 'deploy.example.org',
  ANSWER: 'forty-two',
  PIN_SECRET: '1234',
  MODE: 'fast',
  LANG: 'de_DE.UTF-8',
};
const find = async (...flags: readonly string[]): Promise<Record<string, string>> => {
  const { secrets } = await findFlagSecrets(flags, { environment, repo: '/nowhere' });
  return Object.fromEntries(secrets.map(({ name, value }) => [name, value]));
};

test('findFlagSecrets() reads every way to give a variable of the environment', async () => {
  const token = { DEPLOY_TOKEN: environment.DEPLOY_TOKEN };
  for (const flags of [
    ['--env', 'DEPLOY_TOKEN'],
    ['--env=DEPLOY_TOKEN'],
    ['-e', 'DEPLOY_TOKEN'],
    ['-eDEPLOY_TOKEN'],
    ['-e=DEPLOY_TOKEN'],
    ['-ite', 'DEPLOY_TOKEN'],
    ['--memory=1g', '-tieDEPLOY_TOKEN', '--rm'],
  ]) {
    assert.deepEqual(await find(...flags), token, flags.join(' '));
  }
  assert.deepEqual(await find('--env', 'DEPLOY_*'), { ...token, DEPLOY_HOST: environment.DEPLOY_HOST });
  assert.deepEqual(await find('--env=ANSWER', '--env', 'UNSET'), { ANSWER: environment.ANSWER });
});

test('findFlagSecrets() takes a value of soil.yml for a secret only if its name says so', async () => {
  assert.deepEqual(await find('--env=API_KEY=in-soil-yml', '--env', 'BUILD_TYPE=release-with-symbols'), {
    API_KEY: 'in-soil-yml',
  });
});

test('findFlagSecrets() leaves out common variables and short values, and names a short secret', async () => {
  assert.deepEqual(await find('--env=LANG', '--env=MODE'), {});
  const { secrets, notices } = await findFlagSecrets(['--env=PIN_SECRET'], { environment, repo: '/nowhere' });
  assert.deepEqual(secrets, []);
  assert.deepEqual(notices, [
    'cannot redact variable "PIN_SECRET" of engine-flags: its value is shorter than 5 bytes',
  ]);
});

test('findFlagSecrets() reads files of --env-file, and names one that it cannot read', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'soil-flags-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, 'file'), '# comment\nDATABASE=private value\n\nDEPLOY_TOKEN\nMODE=fast\n');
  const file = join(folder, 'file');
  const outside = await findFlagSecrets([`--env-file=${file}`], { environment, repo: '/nowhere' });
  assert.deepEqual(
    outside.secrets.map(({ value }) => value),
    ['private value', environment.DEPLOY_TOKEN],
  );
  const inside = await findFlagSecrets(['--env-file', 'file'], { environment, repo: folder });
  assert.deepEqual(
    inside.secrets.map(({ name }) => name),
    ['DEPLOY_TOKEN'],
  );
  const none = await findFlagSecrets(['--env-file', 'none'], { environment, repo: folder });
  assert.match(none.notices.join(), /^cannot redact the values of --env-file "none": ENOENT/);
  const folderItself = await findFlagSecrets(['--env-file', folder], { environment, repo: '/nowhere' });
  assert.match(folderItself.notices.join(), /not a regular file$/);
});
