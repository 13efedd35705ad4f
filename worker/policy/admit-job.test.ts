import assert from 'node:assert/strict';
import { test } from 'node:test';
import { valueOf } from '../../model/result.js';
import { parseConfig } from '../config/project-config.js';
import { admitJob } from './admit-job.js';
import { isAllowed, openPolicy, strictPolicy, type PolicySource } from './policy.js';

const jobOf = (keys: string) => {
  const text = `project: p\njobs: { j: { ${keys}, tasks: [{ name: t, run: x }] } }\n`;
  const [job] = valueOf(parseConfig(text)).jobs;
  assert.ok(job);
  return job;
};
const file: PolicySource = { policy: openPolicy, origin: { kind: 'file', file: '/etc/soil/policy.yml' } };
const untrusted: PolicySource = {
  policy: strictPolicy,
  origin: { kind: 'untrusted', reason: '--untrusted' },
};
const notices: string[] = [];
const admit = (keys: string, policies: readonly PolicySource[], environment: Record<string, string> = {}) =>
  admitJob(jobOf(keys), {
    ...{ policies, repo: '/repo', publishes: true, environment },
    notice: (text) => notices.push(text),
  });

test('admitJob() isolates an untrusted job, whose tasks then run one after another', () => {
  const job = valueOf(admit('image: x, parallel: 4, network: none', [untrusted, file]));
  assert.deepEqual([job.isolate, job.parallel, job.network], [true, undefined, 'none']);
  const trusted = valueOf(admit('image: x, parallel: 4', [file]));
  assert.deepEqual([trusted.isolate, trusted.parallel], [undefined, 4]);
});

test('admitJob() refuses a merge token beside a raw job even without a policy, and only there', () => {
  const token = { SOIL_GITHUB_API_TOKEN: 'a-merge-token' };
  const raw = admit('image: none', [], token);
  assert.match(raw.ok ? '' : raw.error, /with SOIL_GITHUB_API_TOKEN set: its tasks could read/);
  assert.ok(admit('image: x', [], token).ok);
  assert.deepEqual(notices, []);
});

test('isAllowed() matches whole values, in which * stands for any text', () => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ['--memory=*', '--memory=2g', true],
    ['--memory=*', '--memory', false],
    ['--memory=*', ' --memory=2g', false],
    ['*', '', true],
    ['a*b*c', 'abc', true],
    ['a*b*c', 'a-b-b-c', true],
    ['a*b*c', 'acb', false],
    ['ab*ba', 'aba', false],
    ['a.c', 'abc', false],
    ['*=*', 'x', false],
  ];
  for (const [pattern, value, expected] of cases) {
    assert.equal(isAllowed(value, [pattern]), expected, `${pattern} ${value}`);
  }
  assert.ok(isAllowed('anything', 'any'));
  assert.ok(!isAllowed('anything', []));
});
