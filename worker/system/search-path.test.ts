import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { planSearchPath } from './search-path.js';

const base = realpathSync(mkdtempSync(join(tmpdir(), 'soil-search-path-')));
after(() => {
  rmSync(base, { recursive: true, force: true });
});

let count = 0;
/** Makes a home with a repo in it, and a folder of tools beside the repo. */
function makeHome() {
  const home = join(base, `home${++count}`);
  const repo = join(home, 'project');
  const tools = join(home, 'tools');
  for (const folder of [join(repo, '.git'), join(repo, 'bin'), join(repo, 'sub/deep'), tools]) {
    mkdirSync(folder, { recursive: true });
  }
  const plan = (entries: readonly string[], cwd = repo) =>
    planSearchPath({ PATH: entries.join(':'), HOME: home }, cwd);
  return { home, repo, tools, plan };
}

test('planSearchPath() keeps folders outside the repo in their order', () => {
  const { tools, plan } = makeHome();
  assert.deepEqual(plan([tools, '/usr/bin', '/no/such/folder']), {
    path: `${tools}:/usr/bin:/no/such/folder`,
    leftOut: [],
  });
});

test('planSearchPath() leaves out empty and relative entries and folders of the repo', () => {
  const { repo, plan } = makeHome();
  const bad = ['', '.', 'bin', '../tools', repo, join(repo, 'node_modules/.bin'), join(repo, 'sub/../bin')];
  const { path, leftOut } = plan([...bad, '/usr/bin', '']);
  assert.equal(path, '/usr/bin');
  assert.deepEqual(leftOut, [...bad, '']);
});

test('planSearchPath() leaves out folders of the whole repo when it starts in a subfolder', () => {
  const { repo, plan } = makeHome();
  assert.equal(plan([join(repo, 'bin'), '/usr/bin'], join(repo, 'sub/deep')).path, '/usr/bin');
});

test('planSearchPath() leaves out the outer repo, too, when a task made a .git in a subfolder', () => {
  const { repo, plan } = makeHome();
  mkdirSync(join(repo, 'sub/.git'));
  assert.equal(plan([join(repo, 'bin'), '/usr/bin'], join(repo, 'sub')).path, '/usr/bin');
});

test('planSearchPath() keeps the folders of a home that is a repo itself', () => {
  const { home, tools, plan } = makeHome();
  mkdirSync(join(home, '.git'));
  assert.equal(plan([tools, '/usr/bin']).path, `${tools}:/usr/bin`);
  assert.equal(plan([tools, '/usr/bin'], home).path, '/usr/bin', 'but not when the home is what runs');
});

test('planSearchPath() leaves out links that lead into the repo, through it, or from it', () => {
  const { home, repo, tools, plan } = makeHome();
  symlinkSync(join(repo, 'bin'), join(home, 'into'));
  symlinkSync(tools, join(repo, 'out-of'));
  symlinkSync(join(repo, 'out-of'), join(home, 'through'));
  symlinkSync('into', join(home, 'twice'));
  const bad = ['into', 'through', 'twice'].map((name) => join(home, name));
  assert.equal(plan([...bad, join(repo, 'out-of'), '/usr/bin']).path, '/usr/bin');
});

test('planSearchPath() leaves out a folder whose git is a link into the repo', () => {
  const { repo, tools, plan } = makeHome();
  writeFileSync(join(repo, 'bin/evil'), '');
  symlinkSync(join(repo, 'bin/evil'), join(tools, 'git'));
  assert.equal(plan([tools, '/usr/bin']).path, '/usr/bin');
});

test('planSearchPath() outside a repo leaves out the current folder', () => {
  const { home, tools, plan } = makeHome();
  assert.equal(plan([join(tools, 'bin'), home, '/usr/bin'], tools).path, `${home}:/usr/bin`);
});

test('planSearchPath() falls back to the folders of the system', () => {
  const { repo, plan } = makeHome();
  assert.equal(plan([repo, '.']).path, '/usr/bin:/bin');
  assert.equal(planSearchPath({}, repo).path, '/usr/bin:/bin');
});

test('planSearchPath() leaves out a loop of links', () => {
  const { home, plan } = makeHome();
  symlinkSync(join(home, 'b'), join(home, 'a'));
  symlinkSync(join(home, 'a'), join(home, 'b'));
  assert.equal(plan([join(home, 'a'), '/usr/bin']).path, '/usr/bin');
});
