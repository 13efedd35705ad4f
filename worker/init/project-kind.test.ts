import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { valueOf } from '../../model/result.js';
import { parseConfig } from '../config/project-config.js';
import { suggestJobs } from './project-kind.js';
import { findManifestErrors, findWorkflowErrors } from '../../test/ci-files.js';
import { formatManifest, formatSoilYml, formatWorkflow } from './starting-files.js';

const npm = (scripts: object): string => JSON.stringify({ name: 'x', scripts });

/** Files in the root with their content, and the expected `job image: task, task`. */
const kinds: readonly (readonly [Readonly<Record<string, string>>, readonly string[]])[] = [
  [{ 'README.md': '' }, ['look docker.io/library/debian:12: files']],
  [
    { 'package.json': npm({ build: 'tsc', test: 'node --test', lint: 'eslint' }), 'package-lock.json': '' },
    ['node docker.io/library/node:20: install, build, lint, test'],
  ],
  [
    { 'package.json': npm({ test: 'echo "Error: no test specified" && exit 1' }), 'yarn.lock': '' },
    ['node docker.io/library/node:20: install'],
  ],
  [{ 'package.json': '{ broken', 'pnpm-lock.yaml': '' }, ['node docker.io/library/node:20: install']],
  [
    { 'configure.ac': '', 'Makefile.am': '', Makefile: 'check:\n' },
    ['autotools docker.io/library/gcc:14: autoreconf, configure, make, check'],
  ],
  [{ 'configure.ac': '', configure: '' }, ['autotools docker.io/library/gcc:14: configure, make, check']],
  [{ 'CMakeLists.txt': '' }, ['cmake docker.io/library/debian:12: packages, configure, build, test']],
  [{ 'meson.build': '' }, ['meson docker.io/library/debian:12: packages, setup, compile, test']],
  [{ 'Cargo.toml': '', 'Cargo.lock': '' }, ['rust docker.io/library/rust:1: build, test']],
  [{ 'go.mod': 'module x\n\ngo 1.22.3\n' }, ['go docker.io/library/golang:1.22: vet, build, test']],
  [
    { 'pyproject.toml': '[project]\n[tool.pytest]\n' },
    ['python docker.io/library/python:3.12: install, test'],
  ],
  [{ 'setup.py': '', tests: '' }, ['python docker.io/library/python:3.12: install, test']],
  [{ 'requirements.txt': 'requests\n' }, ['python docker.io/library/python:3.12: install, test']],
  [{ 'pom.xml': '' }, ['maven docker.io/library/maven:3: verify']],
  [{ 'build.gradle.kts': '', gradlew: '' }, ['gradle docker.io/library/gradle:8: build']],
  [{ Gemfile: '' }, ['ruby docker.io/library/ruby:3.3: install, test']],
  [
    { Makefile: 'X := 1\nall: a.o\ntest check: all\n\techo\n.PHONY: lint\n' },
    ['make docker.io/library/gcc:14: build, check, test'],
  ],
  [
    { Makefile: 'test:\n', 'go.mod': '', 'package.json': npm({}) },
    ['node docker.io/library/node:20: install', 'go docker.io/library/golang:1: vet, build, test'],
  ],
];

for (const [files, expected] of kinds) {
  const shown = Object.keys(files).join(', ');
  test(`suggestJobs() recognizes ${shown}, and its jobs give a valid soil.yml, workflow and manifest`, async () => {
    const jobs = suggestJobs({ names: new Set(Object.keys(files)), text: (name) => files[name] ?? '' });
    const tasksOf = (tasks: (typeof jobs)[number]['tasks']): string =>
      tasks
        .slice(1)
        .map(({ name }) => name)
        .join(', ');
    assert.deepEqual(
      jobs.map(({ name, image, tasks }) => `${name} ${image}: ${tasksOf(tasks)}`),
      expected,
    );
    assert.ok(jobs.every(({ tasks }) => tasks[0]?.name === 'os-info'));
    const config = valueOf(
      parseConfig(formatSoilYml(jobs, { project: 'x', branch: 'trunk', schema: 'soil.schema.json' })),
    );
    assert.deepEqual(
      config.jobs.map(({ name }) => name),
      jobs.map(({ name }) => name),
    );
    assert.deepEqual(config.merge, { from: 'soil-staging', to: 'trunk', require: 'all' });
    const ci = { ...config, tool: 'soil-ci@1.2.3' };
    const workflow = parse(formatWorkflow(ci)) as {
      jobs: Record<string, { steps: { run?: string; env?: Record<string, string> }[] }>;
    };
    assert.deepEqual(Object.keys(workflow.jobs), [...jobs.map(({ name }) => `job-${name}`), 'maybe-merge']);
    for (const { name } of jobs) {
      const runs = workflow.jobs[`job-${name}`]?.steps.map(({ run }) => run);
      assert.ok(runs?.includes('npm install --global soil-ci@1.2.3') === true);
      assert.ok(runs.includes(`soil-worker run ${name} \${SOIL_SERVER:+--publish}`));
    }
    const servers = Object.values(workflow.jobs).map(({ steps }) => steps.at(-1)?.env?.SOIL_SERVER);
    assert.deepEqual([...new Set(servers.slice(0, -1))], ['${{ secrets.SOIL_TOKEN && vars.SOIL_SERVER }}']);
    assert.equal(servers.at(-1), '${{ vars.SOIL_SERVER }}', 'maybe-merge only reads');
    assert.ok(!formatWorkflow(ci).includes('&a'), 'no anchors');
    assert.deepEqual(await findWorkflowErrors(formatWorkflow(ci)), []);
    assert.deepEqual(findManifestErrors(formatManifest(ci, 'x')), []);
    const manifest = parse(formatManifest(ci, 'x')) as { tasks: { jobs: string }[] };
    assert.match(manifest.tasks[0]?.jobs ?? '', /^cd x$/m);
  });
}

test('formatWorkflow() and formatManifest() respect needs', async () => {
  const job = (name: string, needs: string): string =>
    `  ${name}: { image: none, needs: [${needs}], tasks: [{ name: t, run: x }] }\n`;
  const text = `project: p\njobs:\n${job('b.2', 'a')}${job('a', '')}`;
  const ci = { ...valueOf(parseConfig(text)), tool: 'soil-ci@1' };
  const workflow = parse(formatWorkflow(ci)) as {
    jobs: Record<string, { needs?: string[]; steps: { run?: string }[] }>;
  };
  assert.deepEqual(workflow.jobs['job-b_2']?.needs, ['job-a']);
  assert.match(workflow.jobs['job-b_2'].steps.at(-2)?.run ?? '', / run b\.2 --no-needs /);
  assert.match(workflow.jobs['job-a']?.steps.at(-2)?.run ?? '', / run a --no-untrusted$/);
  assert.deepEqual(
    Object.keys(workflow.jobs),
    ['job-b_2', 'job-a'],
    'without a merge rule there is no maybe-merge',
  );
  assert.deepEqual(await findWorkflowErrors(formatWorkflow(ci)), []);
  assert.match(formatManifest(ci, 'p q'), /for job in a b\.2; do/);
});

test('M5, M6: no step that runs tasks on the raw machine has a token, and no step with a token uses npx', () => {
  const text =
    'project: p\njobs:\n  raw: { image: none, tasks-from: x }\n  boxed: { image: x, tasks-from: x }\n';
  const ci = { ...valueOf(parseConfig(text)), tool: 'soil-ci@1' };
  const workflow = parse(formatWorkflow(ci)) as {
    jobs: Record<string, { steps: { run?: string; env?: Record<string, string> }[] }>;
  };
  const steps = workflow.jobs['job-raw']?.steps.filter(({ run }) => run?.includes('soil-worker')) ?? [];
  assert.deepEqual(
    steps.map(({ run = '', env }) => [/soil-worker (\w+)/.exec(run)?.[1], env !== undefined]),
    [
      ['announce', true],
      ['run', false],
      ['publish', true],
    ],
  );
  assert.doesNotMatch(formatWorkflow(ci), /npx|node_modules/);

  // In the manifest, the function `soil` prints what it would run, and whether it would have the token.
  const manifest = (parse(formatManifest(ci, 'x')) as { tasks: { jobs: string }[] }).tasks[0]?.jobs ?? '';
  assert.doesNotMatch(manifest, /npx|node_modules/);
  const home = mkdtempSync(join(tmpdir(), 'soil-home-'));
  try {
    writeFileSync(join(home, '.soil-secret'), 'SOIL_TOKEN=a-secret\n');
    const script = manifest
      .replace(/^(cd|npm install) .*$/gm, '')
      .replace(/^soil\(\).*$/m, 'soil() { echo "$*, token: $(env | grep -c "^SOIL_TOKEN=")"; }');
    const shell = spawnSync('sh', ['-xeu', '-c', script], {
      encoding: 'utf8',
      env: { PATH: process.env.PATH, HOME: home },
    });
    assert.deepEqual(shell.stdout.trim().split('\n'), [
      ...['announce raw, token: 1', 'run raw, token: 0', 'publish raw, token: 1'],
      'run boxed --publish, token: 1',
    ]);
    assert.doesNotMatch(shell.stderr, /a-secret/, 'sourcehut shows what the shell traces');
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
});

test('suggestJobs() uses pytest when there are test files, else unittest', () => {
  const testOf = (...names: string[]): string | undefined =>
    suggestJobs({ names: new Set(['setup.py', ...names]), text: () => '' })[0]?.tasks.at(-1)?.run;
  for (const name of ['tests', 'test', 'test_a.py', 'a_test.py', 'conftest.py']) {
    assert.equal(testOf(name), 'python -m pytest --junitxml=_test/pytest.xml', name);
  }
  for (const name of ['src', 'testing.py']) assert.equal(testOf(name), 'python -m unittest discover', name);
});
