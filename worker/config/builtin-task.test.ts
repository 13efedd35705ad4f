import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { builtinScript, parseBuiltinName } from './builtin-task.js';
import { parseConfig } from './project-config.js';
import { valueOf } from '../../model/result.js';

const shells = [['dash'], ['busybox', 'ash'], ['bash', '--posix']] as const;

/** Variables whose values must be redacted; those in `plain` must be printed. */
const secret: Readonly<Record<string, string>> = {
  ...{ SOIL_TOKEN: 'hidden-1', my_password: 'hidden-2', AWS_SECRET_ACCESS_KEY: 'hidden-3' },
  ...{ DEPLOY_KEY: '-----BEGIN KEY-----\nhidden-4\nhidden-5', HARMLESS: 'ghp_hidden-6' },
  ...{ MIRROR: 'https://user:hidden-7@example.org/x', ODD: 'hidden8AbCdEfGhIjKlMnOp12' },
  ...{ LINES: 'first\nhidden-9\nexport FAKE=hidden-10', OPTIONS: '--password=hidden-11' },
  ...{ CONFIG: '{"private_key": "hidden-12"}', QUOTES: "it's\nhidden-13'", SESSION_ID: 'hidden-14' },
};
const plain: Readonly<Record<string, string>> = {
  ...{ GITHUB_SHA: '0123456789abcdef0123456789abcdef01234567', LANG: 'C.UTF-8', EMPTY_TOKEN: '' },
  ...{ SERVER: 'https://ci.example.org/', WORDS: "it's größer $HOME `x`", PATH: process.env.PATH ?? '' },
};

for (const [shell, ...args] of shells) {
  test(`dump-env redacts likely secrets and prints the rest in ${shell}`, () => {
    const env = { ...secret, ...plain };
    const end = spawnSync(shell, [...args, builtinScript, 'dump-env'], { env, encoding: 'utf8' });
    assert.equal(end.status, 0, end.stderr);
    assert.doesNotMatch(end.stdout, /hidden/);
    for (const name of Object.keys(secret)) assert.match(end.stdout, new RegExp(`^${name}=`, 'm'));
    const lines = end.stdout.split('\n');
    for (const [name, value] of Object.entries(plain)) assert.ok(lines.includes(`${name}=${value}`), name);
  });

  test(`os-info describes the machine in ${shell} without other programs`, () => {
    const withPath = spawnSync(shell, [...args, builtinScript, 'os-info'], { encoding: 'utf8' });
    assert.equal(withPath.status, 0, withPath.stderr);
    assert.match(withPath.stdout, /^system: Linux .*\n[^]*^processors: \d+[^]*^memory: MemTotal/m);
    const path = spawnSync('sh', ['-c', `command -v ${shell}`], { encoding: 'utf8' }).stdout.trim();
    const bare = spawnSync(path, [...args, builtinScript, 'os-info'], {
      encoding: 'utf8',
      env: { PATH: '/none' },
    });
    assert.equal(bare.status, 0, bare.stderr);
    assert.match(bare.stdout, /^processors: \d+/m);
  });
}

test('diagnose.sh and parseBuiltinName() reject an unknown built-in task', () => {
  const end = spawnSync('sh', [builtinScript, 'unknown'], { encoding: 'utf8' });
  assert.deepEqual([end.status, end.stderr], [2, 'cannot run "unknown": it must be os-info or dump-env\n']);
  assert.deepEqual(parseBuiltinName('unknown'), {
    ok: false,
    error: 'cannot accept builtin "unknown": it must be one of os-info, dump-env',
  });
});

test('parseConfig() reads a task with builtin instead of run', () => {
  const yaml = (task: string): string => `project: p\njobs:\n  a: { image: none, tasks: [${task}] }\n`;
  const config = valueOf(parseConfig(yaml('{ name: os-info, builtin: os-info }')));
  assert.equal(config.jobs[0]?.tasks[0]?.run, 'sh "$SOIL_BUILTIN" os-info');
  const both = parseConfig(yaml('{ name: a, run: x, builtin: os-info }'));
  assert.match(both.ok ? '' : both.error, /it has both run and builtin/);
  const unknown = parseConfig(yaml('{ name: a, builtin: os }'));
  assert.match(unknown.ok ? '' : unknown.error, /cannot accept builtin "os"/);
});
