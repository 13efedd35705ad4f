import assert from 'node:assert/strict';
import { appendFile, cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { packageRoot } from '../../files/package-root.js';
import { pageVersion } from './page-version.js';

const root = await mkdtemp(join(tmpdir(), 'soil-version-'));
for (const folder of ['model', 'files', 'server', 'templates', 'wwz']) {
  const from = join(fileURLToPath(packageRoot), 'dist', folder);
  await cp(from, join(root, 'dist', folder), { recursive: true });
}
for (const folder of ['templates', 'schema']) {
  await cp(join(fileURLToPath(packageRoot), folder), join(root, folder), { recursive: true });
}
after(() => rm(root, { recursive: true }));

async function changes(path: string): Promise<boolean> {
  const before = await pageVersion('Soil', root);
  await appendFile(join(root, path), '\n// changed\n');
  return (await pageVersion('Soil', root)) !== before;
}

for (const path of [
  'dist/server/pages/views/run-page.js',
  'dist/server/pages/views/home-page.js',
  'dist/server/pages/page-plan.js',
  'dist/server/state/run-fold.js',
  'dist/server/store/job-files.js',
  'dist/model/outcome.js',
  'dist/templates/template.js',
  'templates/run.hbs',
  'templates/style.css',
  'schema/soil.schema.json',
]) {
  test(`pageVersion() changes with ${path}`, async () => {
    assert.equal(await changes(path), true);
  });
}

for (const path of [
  'dist/server/api/routes.js',
  'dist/server/cli/serve-command.js',
  'dist/server/main.js',
  'dist/server/pages/page-writer.js',
  'dist/server/site/site.js',
  'dist/server/store/event-log.js',
  'dist/server/pages/page-version.test.js',
  'dist/server/pages/views/run-page.js.map',
  'templates/template.ts',
]) {
  test(`pageVersion() stays with a change of ${path}`, async () => {
    assert.equal(await changes(path), false);
  });
}

test('pageVersion() changes with the title and with a new template, and is the same for the same files', async () => {
  const version = await pageVersion('Soil', root);
  assert.equal(await pageVersion('Soil', root), version);
  assert.notEqual(await pageVersion('Oils', root), version);
  await writeFile(join(root, 'templates', 'new.hbs'), '');
  assert.notEqual(await pageVersion('Soil', root), version);
});
