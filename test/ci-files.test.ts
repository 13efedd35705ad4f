import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { findActionErrors, findManifestErrors, findWorkflowErrors } from './ci-files.js';
import { repoRoot } from './command.js';

const filesOf = (folder: string): { name: string; text: string }[] =>
  readdirSync(join(repoRoot, folder)).map((name) => ({
    name,
    text: readFileSync(join(repoRoot, folder, name), 'utf8'),
  }));
const action = readFileSync(join(repoRoot, 'action.yml'), 'utf8');

test('GitHub’s own parser accepts every workflow of this repository', async () => {
  const files = filesOf('.github/workflows');
  assert.ok(files.length > 0);
  for (const { name, text } of files) assert.deepEqual(await findWorkflowErrors(text, name), [], name);
});

test('GitHub’s own parser accepts action.yml', () => {
  assert.deepEqual(findActionErrors(action), []);
});

test('every manifest in .builds/ follows sourcehut’s documentation', () => {
  const files = filesOf('.builds');
  assert.ok(files.length > 0);
  for (const { name, text } of files) assert.deepEqual(findManifestErrors(text), [], name);
});

test('the YAML blocks of docs/hosts.md are valid workflows and manifests', async () => {
  const text = readFileSync(join(repoRoot, 'docs/hosts.md'), 'utf8');
  const blocks = [...text.matchAll(/```yaml\n([\s\S]*?)```/g)].map((match) => match[1] ?? '');
  const workflows = blocks.filter((block) => /^on:/m.test(block));
  const manifests = blocks.filter((block) => /^image:/m.test(block));
  assert.ok(workflows.length >= 2 && manifests.length >= 1, 'the examples were found');
  for (const block of workflows) assert.deepEqual(await findWorkflowErrors(block), [], block);
  for (const block of manifests) assert.deepEqual(findManifestErrors(block), [], block);
});

test('findWorkflowErrors() finds what GitHub would refuse', async () => {
  const job = (lines: string): string => `on: push\njobs:\n  a:\n    runs-on: x\n${lines}`;
  const steps = '    steps: [{run: ls}]\n';
  assert.deepEqual(await findWorkflowErrors(job(steps)), []);
  const faulty: readonly (readonly [string, RegExp])[] = [
    [job('    step: [{run: ls}]\n'), /step/],
    [job(`    needs: b\n${steps}`), /b/],
    ['on: pushed\njobs: {a: {runs-on: x, steps: [{run: ls}]}}\n', /pushed/],
    [job(`    if: \${{ githb.ref }}\n${steps}`), /githb/],
    [job(`    permissions: {contents: all}\n${steps}`), /all/],
    [job('    steps: [{run: ls, uses: x/y@v1}]\n'), /./],
    ['jobs: [', /./],
  ];
  for (const [text, reason] of faulty)
    assert.match((await findWorkflowErrors(text)).join('\n'), reason, text);
});

test('findActionErrors() finds what GitHub would refuse', () => {
  for (const [from, to] of [
    ['using: composite', 'using: compost'],
    ['      shell: sh\n', ''],
    ['runs:', 'run:'],
    ['required: true', 'required: {}'],
  ] as const) {
    assert.ok(action.includes(from), from);
    assert.notDeepEqual(findActionErrors(action.replace(from, to)), [], to);
  }
});

test('findManifestErrors() finds what sourcehut would refuse', () => {
  const good = 'image: debian/stable\ntasks:\n  - a: |\n      ls\n';
  assert.deepEqual(findManifestErrors(good), []);
  for (const [text, fault] of [
    ['tasks: [{a: ls}]', 'image is missing'],
    ['image: x', 'tasks is missing'],
    [`${good}package: [git]`, 'unknown key package'],
    [`${good}packages: git`, 'invalid value of packages'],
    ['image: x\ntasks: [{A b: ls}]', 'invalid value of tasks'],
    ['image: x\ntasks: [{a: ls, b: ls}]', 'invalid value of tasks'],
    ['image: x\ntasks: []', 'invalid value of tasks'],
    ['image: x\ntasks: [{a: ls}, {a: ls}]', 'duplicate task'],
    [`${good}triggers: [{action: email, condition: maybe}]`, 'invalid value of triggers'],
    [`${good}constructor: 1`, 'unknown key constructor'],
    ['- a', 'the manifest is not a map'],
  ] as const) {
    assert.deepEqual(findManifestErrors(text), [fault], text);
  }
});
