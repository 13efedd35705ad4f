import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { valueOf } from '../../model/result.js';
import { parseConfig } from './project-config.js';
import { parseImage } from './soil-yml-values.js';

const complete = `# comment
project: oils
jobs:
  dev-minimal:
    image: localhost/dev:v-2026-01-13
    pull: never
    network: none
    user: 1000:1000
    engine-flags: [--memory=1g]
    timeout: 1h30m
    grace: 5s
    stop-on-failure: true
    env: { LANG: C.UTF-8, VERSION: 1.10, EMPTY: }
    artifacts: [_release/oils.tar]
    tasks:
      - name: os-info
        run: soil/diagnose.sh os-info
      - name: unit
        run: |
          test/unit.sh minimal
          echo done
        results: _test/py-unit/
        timeout: 15m
        needs: os-info
        retries: 2
        allow-failure: true
        env: { DEBUG: yes }
      - name: page
        run: 'true'
        results: [_test/index.html]
  cpp:
    image: none
    needs: [dev-minimal]
    tasks-from: soil/worker.sh cpp-tasks
merge:
  from: soil-staging
  to: main
  require: [dev-minimal, cpp]
`;

test('parseConfig() reads every key', () => {
  const config = valueOf(parseConfig(complete));
  assert.deepEqual(structuredClone(config), {
    project: 'oils',
    jobs: [
      {
        name: 'dev-minimal',
        image: { kind: 'named', name: 'localhost/dev:v-2026-01-13', pull: 'never' },
        network: 'none',
        user: '1000:1000',
        engineFlags: ['--memory=1g'],
        timeoutSeconds: 5400,
        graceSeconds: 5,
        stopOnFailure: true,
        environment: { LANG: 'C.UTF-8', VERSION: '1.10', EMPTY: '' },
        artifacts: ['_release/oils.tar'],
        needs: [],
        tasks: [
          {
            name: 'os-info',
            run: 'soil/diagnose.sh os-info',
            results: [],
            needs: [],
            retries: 0,
            allowFailure: false,
            environment: {},
          },
          {
            name: 'unit',
            run: 'test/unit.sh minimal\necho done\n',
            results: ['_test/py-unit/'],
            timeoutSeconds: 900,
            needs: ['os-info'],
            retries: 2,
            allowFailure: true,
            environment: { DEBUG: 'yes' },
          },
          {
            name: 'page',
            run: 'true',
            results: ['_test/index.html'],
            resultHtml: '_test/index.html',
            needs: [],
            retries: 0,
            allowFailure: false,
            environment: {},
          },
        ],
      },
      {
        name: 'cpp',
        image: { kind: 'none' },
        engineFlags: [],
        timeoutSeconds: 3600,
        graceSeconds: 10,
        stopOnFailure: false,
        environment: {},
        artifacts: [],
        needs: ['dev-minimal'],
        tasks: [],
        tasksFrom: 'soil/worker.sh cpp-tasks',
      },
    ],
    merge: { from: 'soil-staging', to: 'main', require: ['dev-minimal', 'cpp'] },
  });
});

test('parseConfig() reads the keys for how a job and its tasks run', () => {
  const text = `project: p
jobs:
  a:
    image: x
    parallel: 4
    working-folder: src/lib
    tty: true
    ptrace: true
    pids-limit: 500
    secrets: [DEPLOY_KEY, PASSWORD]
    tasks:
      - { name: t, run: x, working-folder: ., grace: 1m, tty: false }
`;
  const [job] = valueOf(parseConfig(text)).jobs;
  assert.deepEqual(
    [job?.parallel, job?.workingFolder, job?.tty, job?.ptrace, job?.pidsLimit, job?.secrets],
    [...[4, 'src/lib', true, true, 500, ['DEPLOY_KEY', 'PASSWORD']]],
  );
  const [task] = job?.tasks ?? [];
  assert.deepEqual([task?.workingFolder, task?.graceSeconds, task?.tty], ['.', 60, false]);
});

/** A file of one job `a`, whose lines below the job's name are given; the first of them is line 4. */
const jobOf = (...lines: string[]): string =>
  ['project: p', 'jobs:', '  a:', ...lines.map((line) => `    ${line}`), ''].join('\n');
const task = 'tasks: [{ name: t, run: "true" }]';
const taskOf = (keys: string): string => jobOf('image: none', `tasks: [{ name: t, run: x, ${keys} }]`);
const mergeOf = (keys: string): string => `${jobOf('image: none', task)}merge: ${keys}\n`;

const refusals: readonly (readonly [string, string, RegExp])[] = [
  [
    'an unknown key of the file',
    `${jobOf('image: none', task)}job: x\n`,
    /^soil\.yml:6:1: cannot accept key "job" in the file: it must be one of project, jobs, merge \(did you mean jobs\?\)$/,
  ],
  [
    'an unknown key of a job',
    jobOf('image: none', task, 'img: x'),
    /^soil\.yml:6:5: cannot accept key "img" in job "a": it must be one of image, build, pull, tasks, /,
  ],
  [
    'an unknown key of a task',
    taskOf('cmd: y'),
    /^soil\.yml:5:32: cannot accept key "cmd" in the task: it must be one of name, run, builtin, results, /,
  ],
  [
    'an unknown key of merge',
    mergeOf('{ from: s, to: m, require: all, into: x }'),
    /^soil\.yml:6:40: cannot accept key "into" in merge: it must be one of from, to, require, isolated, uncommitted$/,
  ],
  [
    'a duplicate key',
    jobOf('image: none', task, 'image: x'),
    /^soil\.yml:6:5: cannot accept key "image" in job "a": duplicate of line 4$/,
  ],
  [
    'a duplicate job',
    `${jobOf('image: none', task)}  a: {}\n`,
    /^soil\.yml:6:3: cannot accept key "a" in jobs: duplicate of line 3$/,
  ],
  ['a missing image', jobOf(task), /^soil\.yml:3:3: cannot accept job "a": image or build is missing$/],
  [
    'an invalid image name',
    jobOf('image: "a b"', task),
    /^soil\.yml:4:12: cannot accept image "a b": it must be none, or an image name/,
  ],
  [
    'an image that looks like an option',
    jobOf('image: --privileged', task),
    /cannot accept image "--privileged"/,
  ],
  [
    'a list instead of text',
    jobOf('image: [x]', task),
    /^soil\.yml:4:12: cannot accept image \(a list\): it must be text$/,
  ],
  [
    'none in other letters',
    jobOf('image: None', task),
    /^soil\.yml:4:12: cannot accept image "None": write none to run on the machine itself$/,
  ],
  ['an empty value instead of text', jobOf('image:', task), /cannot accept image "": it is empty/],
  [
    'text instead of a map',
    'project: p\njobs: x\n',
    /^soil\.yml:2:7: cannot accept jobs "x": it must be a map of keys and values$/,
  ],
  [
    'text instead of a list of maps',
    jobOf('image: none', 'tasks: make'),
    /cannot accept tasks "make": it must be a list/,
  ],
  [
    'an unknown word for pull',
    jobOf('image: x', 'pull: daily', task),
    /cannot accept pull "daily": it must be one of missing, always, never/,
  ],
  [
    'a map for pull with invalid values',
    jobOf('image: x', 'pull: {when: daily, retries: many, timeout: soon}', task),
    /cannot accept pull "daily".*\n.*cannot accept retries "many".*\n.*cannot accept timeout "soon"/,
  ],
  [
    'pull with an image from a file',
    jobOf('image: oci:images/dev', 'pull: always', task),
    /cannot accept key "pull": the job's image is a file or folder and is not pulled/,
  ],
  [
    'both image and build',
    jobOf('image: x', 'build: Containerfile', task),
    /cannot accept job "a": it has both image and build/,
  ],
  [
    'a build from outside the repository',
    jobOf('build: {file: ../Containerfile, context: /}', task),
    /cannot accept file "\.\.\/Containerfile".*\n.*cannot accept context "\/": it must be a path below/,
  ],
  ['a build without a file', jobOf('build: {context: .}', task), /cannot accept build: file is missing/],
  [
    'an archive with a colon in its path',
    jobOf('image: "docker-archive:a:b"', task),
    /docker-archive: must be followed by a path without colons/,
  ],
  [
    'pull with image: none',
    jobOf('image: none', 'pull: never', task),
    /^soil\.yml:5:5: cannot accept key "pull": the job has image: none$/,
  ],
  [
    'an ssh destination that is an option',
    jobOf('image: ssh:-oProxyCommand=touch${IFS}x', task),
    /^soil\.yml:4:12: cannot accept image "ssh:-oProxyCommand=.*": ssh: must be followed by USER@HOST or a name/,
  ],
  [
    'an engine flag with an ssh destination',
    jobOf('image: ssh:ci@host', 'engine-flags: --privileged', task),
    /^soil\.yml:5:5: cannot accept key "engine-flags": the job runs over SSH, without a container$/,
  ],
  ['no tasks', jobOf('image: none'), /tasks or tasks-from is missing/],
  ['an empty list of tasks', jobOf('image: none', 'tasks: []'), /cannot accept tasks: the list is empty/],
  ['tasks and tasks-from', jobOf('image: none', task, 'tasks-from: x'), /it has both tasks and tasks-from/],
  [
    'a task without run',
    jobOf('image: none', 'tasks: [{ name: t }]'),
    /^soil\.yml:5:13: cannot accept the task: run or builtin is missing$/,
  ],
  [
    'a task name with a slash',
    jobOf('image: none', 'tasks: [{ name: a/b, run: x }]'),
    /cannot accept task name "a\/b": it has a slash/,
  ],
  [
    'a duplicate task',
    jobOf('image: none', 'tasks: [{ name: t, run: x }, { name: t, run: y }]'),
    /cannot accept task name "t": an earlier task has the same name/,
  ],
  [
    'a duration without unit',
    taskOf('timeout: 90'),
    /cannot accept timeout "90": it has no unit; write 90s, 15m or 1h30m/,
  ],
  ['a time limit of zero', taskOf('timeout: 0s'), /cannot accept timeout "0s": it must be at least 1s/],
  [
    'a duration with an unknown unit',
    jobOf('image: none', task, 'grace: 2 weeks'),
    /cannot accept grace "2 weeks": it must be written like/,
  ],
  ['retries that are not a number', taskOf('retries: many'), /cannot accept retries "many"/],
  [
    'allow-failure that is not a boolean',
    taskOf('allow-failure: maybe'),
    /cannot accept allow-failure "maybe": it must be true or false/,
  ],
  [
    'a grace of a task without unit',
    taskOf('grace: 5'),
    /^soil\.yml:5:39: cannot accept grace "5": it has no unit/,
  ],
  [
    'a working folder outside the repository',
    taskOf('working-folder: ../x'),
    /^soil\.yml:5:48: cannot accept working-folder "\.\.\/x": it leaves the repo/,
  ],
  [
    'an absolute working folder of a job',
    jobOf('image: none', task, 'working-folder: /x'),
    /^soil\.yml:6:21: cannot accept working-folder "\/x": it must be relative/,
  ],
  [
    'tty that is not a boolean',
    taskOf('tty: on'),
    /^soil\.yml:5:37: cannot accept tty "on": it must be true or false$/,
  ],
  [
    'parallel that is not a number',
    jobOf('image: none', task, 'parallel: all'),
    /^soil\.yml:6:15: cannot accept parallel "all": it must be a whole number from 1 to 64$/,
  ],
  [
    'parallel above its limit',
    jobOf('image: none', task, 'parallel: 65'),
    /cannot accept parallel "65": it must be a whole number from 1 to 64/,
  ],
  [
    'a pids-limit of zero',
    jobOf('image: x', task, 'pids-limit: 0'),
    /^soil\.yml:6:17: cannot accept pids-limit "0": it must be a whole number from 1 to 4194304$/,
  ],
  [
    'a pids-limit with image: none',
    jobOf('image: none', task, 'pids-limit: 9'),
    /^soil\.yml:6:5: cannot accept key "pids-limit": the job has image: none$/,
  ],
  [
    'ptrace with image: none',
    jobOf('image: none', task, 'ptrace: true'),
    /^soil\.yml:6:5: cannot accept key "ptrace": the job has image: none$/,
  ],
  [
    'ptrace that is not a boolean',
    jobOf('image: x', task, 'ptrace: yes'),
    /^soil\.yml:6:13: cannot accept ptrace "yes": it must be true or false$/,
  ],
  [
    'a secret that is not the name of a variable',
    jobOf('image: none', task, 'secrets: [A, b-c]'),
    /^soil\.yml:6:18: cannot accept secret "b-c": it must be the name of a variable$/,
  ],
  [
    'a secret that env sets',
    jobOf('image: none', 'env: { A: x }', task, 'secrets: A'),
    /^soil\.yml:7:14: cannot accept secret "A": env of the same job shows its value$/,
  ],
  [
    'a secret that is a token of the worker',
    jobOf('image: none', task, 'secrets: [SOIL_TOKEN]'),
    /cannot accept secret "SOIL_TOKEN": no task can see this variable/,
  ],
  [
    'a result outside the repository',
    taskOf('results: ../x'),
    /cannot accept result "\.\.\/x": it leaves the repo/,
  ],
  [
    'an absolute result-html',
    taskOf('result-html: /x'),
    /cannot accept result-html "\/x": it must be relative/,
  ],
  [
    'a need that is not a task',
    taskOf('needs: [u]'),
    /cannot accept need "u": no earlier task of this job has that name/,
  ],
  ['a need that is the task itself', taskOf('needs: [t]'), /cannot accept need "t"/],
  [
    'a need that is not a job',
    jobOf('image: none', 'needs: [b]', task),
    /^soil\.yml:5:13: cannot accept need "b": there is no other job$/,
  ],
  [
    'a tab before a key',
    `project: p\njobs:\n\ta: { image: none }\n`,
    /^soil\.yml:3:1: cannot read YAML: the line starts with a tab; indent with spaces$/,
  ],
  [
    'a command with a colon and a space',
    'project: p\njobs:\n  a:\n    image: none\n    tasks:\n      - name: t\n        run: echo a: b\n',
    /^soil\.yml:7:14: cannot read YAML: a second ": " on one line; quote a value that contains one, or put it on lines of its own after \|$/,
  ],
  [
    'a key without a value',
    'project: p\njobs:\n',
    /^soil\.yml:2:6: cannot accept jobs \(nothing\): it must be a map of keys and values$/,
  ],
  [
    'a misspelled need',
    `${jobOf('image: none', task)}  tarball:\n    image: none\n    ${task}\n  b:\n    image: none\n    needs: [tarbal]\n    ${task}\n`,
    /^soil\.yml:11:13: cannot accept need "tarbal": it must be one of a, tarball \(did you mean tarball\?\)$/,
  ],
  [
    'a job that needs itself',
    jobOf('image: none', 'needs: [a]', task),
    /cannot accept needs of job "a": a needs a/,
  ],
  [
    'an invalid name of a variable',
    jobOf('image: none', task, 'env: { A-B: x }'),
    /cannot accept variable "A-B"/,
  ],
  [
    'a variable named __proto__',
    jobOf('image: none', task, 'env: { __proto__: x }'),
    /cannot accept variable "__proto__"/,
  ],
  [
    'a job named __proto__',
    'project: p\njobs: { __proto__: { image: none } }\n',
    /cannot accept job name "__proto__"/,
  ],
  [
    'a key named __proto__',
    jobOf('image: none', task, '__proto__: { timeout: 1s }'),
    /cannot accept key "__proto__"/,
  ],
  [
    'an artifact with an invalid name',
    jobOf('image: none', task, 'artifacts: [dist/.hidden]'),
    /cannot accept artifact "dist\/\.hidden"/,
  ],
  ['no jobs', 'project: p\njobs: {}\n', /cannot accept jobs: the map is empty/],
  ['an empty file', '', /cannot accept the file \(nothing\): it must be a map/],
  [
    'an empty list of required jobs',
    mergeOf('{ from: s, to: m, require: [] }'),
    /cannot accept require: the list is empty/,
  ],
  [
    'an unknown required job',
    mergeOf('{ from: s, to: m, require: [b] }'),
    /cannot accept required job "b": it must be all, or some of a/,
  ],
  [
    'a duplicate required job',
    mergeOf('{ from: s, to: m, require: [a, a] }'),
    /cannot accept required job "a": duplicate job/,
  ],
  ['a merge without require', mergeOf('{ from: s, to: m }'), /cannot accept merge: require is missing/],
  [
    'a merge of a branch into itself',
    mergeOf('{ from: m, to: m, require: all }'),
    /from and to are both "m"/,
  ],
  [
    'a branch name that git does not allow',
    mergeOf('{ from: "a..b", to: m, require: all }'),
    /cannot accept from "a\.\.b"/,
  ],
  [
    'a second document',
    'project: p\n---\njobs: {}\n',
    /^soil\.yml:2:1: cannot read YAML: a second document starts here$/,
  ],
  ['a tag', 'project: !x p\n', /cannot read YAML: Unresolved tag: !x/],
  ['broken YAML', 'project: [p\n', /^soil\.yml:\d+:\d+: cannot read YAML: /],
];

for (const [what, text, expected] of refusals) {
  test(`parseConfig() rejects ${what}`, () => {
    const result = parseConfig(text);
    assert.ok(!result.ok, 'it was accepted');
    assert.match(result.error, expected);
  });
}

test('parseConfig() reports every fault, in the order of the file', () => {
  const result = parseConfig(
    jobOf('image: a b', 'tasks:', '  - name: t', '    run: x', '    retries: y', 'timeout: 5') + 'merge: 1\n',
  );
  assert.ok(!result.ok);
  assert.deepEqual(
    result.error.split('\n').map((line) => line.split(' ')[0]),
    ['soil.yml:4:12:', 'soil.yml:8:18:', 'soil.yml:9:14:', 'soil.yml:10:8:'],
  );
});

test('parseConfig() rejects a cycle of needs over several jobs', () => {
  const job = (name: string, needs: string) =>
    `  ${name}: { image: none, needs: [${needs}], tasks-from: x }\n`;
  const result = parseConfig(
    `project: p\njobs:\n${job('a', 'b')}${job('b', 'c')}${job('c', 'a')}${job('d', 'a')}`,
  );
  assert.ok(!result.ok);
  assert.equal(result.error.split('\n').length, 3);
  assert.match(result.error, /cannot accept needs of job "a": a needs b needs c needs a/);
  assert.doesNotMatch(result.error, /job "d"/);
});

test('parseConfig() reports an invalid job name and the faults of that job together', () => {
  const parsed = parseConfig(
    "project: p\njobs:\n  'a b':\n    image: none\n    tasks: [{ name: t/u, run: x }]\n",
  );
  assert.ok(!parsed.ok);
  assert.match(
    parsed.error,
    /^soil\.yml:3:3: cannot accept job name "a b": .*\nsoil\.yml:5:21: cannot accept task name "t\/u": /,
  );
});

test('parseConfig() reports an unclosed quote once', () => {
  const parsed = parseConfig("project: p\njobs: { a: { image: none, tasks: [{ name: t, run: 'x }] } }\n");
  assert.ok(!parsed.ok);
  const lines = parsed.error.split('\n');
  assert.deepEqual(lines, [...new Set(lines)]);
});

test('parseConfig() rejects aliases, because nested ones can exhaust the memory', () => {
  const bomb = [...'bcdefghij'].map((name, i) => {
    const below = 'abcdefghi'.charAt(i);
    return `${name}: &${name} [*${below}, *${below}]`;
  });
  const result = parseConfig(
    `project: p\njobs:\n  j: { image: none, tasks: *j }\na: &a [x, x]\n${bomb.join('\n')}\n`,
  );
  assert.ok(!result.ok);
  assert.match(result.error, /cannot accept tasks "\*j" \(an alias; write it out\)/);
});

test('parseConfig() rejects a file that is too large or nested too deeply', () => {
  assert.match((parseConfig('#'.repeat(1_000_001)) as { error: string }).error, /larger than/);
  assert.match(
    (parseConfig(`project: ${'['.repeat(20_000)}`) as { error: string }).error,
    /cannot read YAML/,
  );
});

test('parseConfig() never throws, and every fault has a line and a column', () => {
  const word = fc.constantFrom(
    'project',
    'jobs',
    'merge',
    'a',
    'image',
    'none',
    'tasks',
    'name',
    'run',
    'x',
    '15m',
    '*a',
    '&a',
  );
  const mark = fc.constantFrom(
    ': ',
    '\n',
    '\n  ',
    '\n    ',
    '\n      - ',
    '[',
    ']',
    '{',
    '}',
    ', ',
    '"',
    '!',
    '|',
    '\t',
    '#',
  );
  const text = fc
    .array(fc.oneof(word, mark, fc.string({ maxLength: 3 })), { maxLength: 40 })
    .map((a) => a.join(''));
  fc.assert(
    fc.property(fc.oneof(text, fc.string({ unit: 'binary' })), (yaml) => {
      const result = parseConfig(yaml, 'f');
      if (result.ok) assert.ok(result.value.jobs.length > 0);
      else for (const line of result.error.split('\n')) assert.match(line, /^f:\d+:\d+: cannot /);
    }),
    { numRuns: 500 },
  );
});

test('parseConfig() reads the values of variables unchanged', () => {
  const name = fc.stringMatching(/^[A-Z_][A-Z0-9_]{0,8}$/);
  const value = fc.string({ unit: 'grapheme', maxLength: 20 }).filter((v) => !v.includes('\0'));
  fc.assert(
    fc.property(fc.dictionary(name, value), (environment) => {
      const text = jobOf('image: none', task, `env: ${JSON.stringify(environment)}`);
      const config = valueOf(parseConfig(text));
      assert.deepEqual({ ...config.jobs[0]?.environment }, { ...environment });
    }),
  );
});

test('parseConfig() reads every form of image and build', () => {
  const text = (image: string): string =>
    `project: p\njobs:\n  a:\n    ${image}\n    tasks: [{name: t, run: 'true'}]\n`;
  const imageOf = (image: string) => valueOf(parseConfig(text(image))).jobs[0]?.image;
  assert.deepEqual(imageOf('image: none'), { kind: 'none' });
  assert.deepEqual(imageOf('image: debian:12'), { kind: 'named', name: 'debian:12', pull: 'missing' });
  assert.deepEqual(imageOf('image: x\n    pull: {retries: 5, timeout: 10m}'), {
    ...{ kind: 'named', name: 'x', pull: 'missing', pullRetries: 5, pullTimeoutSeconds: 600 },
  });
  for (const form of ['docker-archive', 'oci', 'rootfs']) {
    assert.deepEqual(imageOf(`image: ${form}:a/b`), { kind: 'file', form, path: 'a/b' });
  }
  for (const destination of [
    'ci@host',
    'host',
    'Build-Box_2',
    'ci@10.0.0.1',
    'ci@::1',
    'a.b+c@fe80::1%eth0',
  ]) {
    assert.deepEqual(imageOf(`image: ssh:${destination}`), { kind: 'ssh', destination });
  }
  assert.deepEqual(imageOf('build: Containerfile'), {
    ...{ kind: 'build', file: 'Containerfile', context: '.', timeoutSeconds: 3600, flags: [] },
  });
  assert.deepEqual(imageOf('build: {file: ci/F, context: ci, timeout: 5m, flags: [--target=dev]}'), {
    ...{ kind: 'build', file: 'ci/F', context: 'ci', timeoutSeconds: 300, flags: ['--target=dev'] },
  });
});

/** A file with every notation, in which each removed character or indent is one slip. */
const sample = `project: demo
jobs:
  unit:
    image: none
    env: { A: "1", B: 'two' }
    tasks:
      - name: one
        run: 'echo "hi: there"'
      - { name: two, run: "make x", results: [a/*.html, "b"] }
      - name: three
        run: |
          echo 1
          echo 2
${Array.from({ length: 12 }, (_, i) => `      - { name: t${i}, run: "make t${i}" }\n`).join('')}  lint:
    image: debian:12
    needs: [unit]
    tasks:
      - name: l
        run: 'true'
merge: { from: a, to: b, require: all }
`;

test('parseConfig() reports one message for one missing quote, brace, colon, dash or indent', () => {
  assert.equal(parseConfig(sample).ok, true);
  const count = (text: string): number => {
    const result = parseConfig(text);
    return result.ok ? 0 : result.error.split('\n').length;
  };
  for (let i = 0; i < sample.length; i++) {
    if (!/["'{}[\]:,-]/.test(sample[i] ?? '')) continue;
    const text = sample.slice(0, i) + sample.slice(i + 1);
    assert.ok(count(text) <= 1, `without character ${i}: ${JSON.stringify(parseConfig(text))}`);
  }
  const lines = sample.split('\n');
  for (const [number, line] of lines.entries()) {
    for (const moved of [`  ${line}`, ` ${line}`, line.replace(/^ {2}/, ''), line.replace(/^ /, '')]) {
      const text = lines.with(number, moved).join('\n');
      assert.ok(count(text) <= 1, `${JSON.stringify(moved)}: ${JSON.stringify(parseConfig(text))}`);
    }
  }
});

test('parseConfig() reports unknown keys of one map in one message, and mistakes of several maps in several', () => {
  const result = parseConfig(`project: p
jobs:
  a: { image: x, tasks: [{ name: t, run: y, retry: 1, need: [] }] }
  b: { image: x, taks: [] }
  c: { tasks: [{ name: t, run: y }] }
`);
  assert.ok(!result.ok);
  assert.deepEqual(
    result.error.split('\n').map((line) => line.replace(/ must be one of .*/, ' ...')),
    [
      'soil.yml:3:45: cannot accept keys "retry", "need" (line 3) in the task: each ...',
      'soil.yml:4:18: cannot accept key "taks" in job "b": it ...',
      'soil.yml:5:3: cannot accept job "c": image or build is missing',
    ],
  );
});

test('parseConfig() reads expect-fail', () => {
  const read = (value: string) =>
    parseConfig(
      `project: p\njobs: { a: { image: none, tasks: [{ name: t, run: x, expect-fail: ${value} }] } }\n`,
    );
  const expected = (value: string) => {
    const config = read(value);
    return config.ok ? config.value.jobs[0]?.tasks[0]?.expectFail : config.error;
  };
  assert.deepEqual(expected('{ why: broken }'), { on: [], why: 'broken' });
  assert.deepEqual(expected('{ why: broken, until: 2028-02-29, on: github }'), {
    ...{ on: ['github'], until: '2028-02-29', why: 'broken' },
  });
  assert.deepEqual(expected('{ why: broken, on: [local, sourcehut] }'), {
    ...{ on: ['local', 'sourcehut'], why: 'broken' },
  });
  for (const [value, message] of [
    ['{ until: 2027-01-01 }', /cannot accept expect-fail: why is missing$/],
    ['{ why: "" }', /cannot accept why "": it is empty$/],
    [
      '{ why: x, until: 2027-02-30 }',
      /cannot accept until "2027-02-30": it must be a date such as 2027-01-31$/,
    ],
    ['{ why: x, until: tomorrow }', /cannot accept until "tomorrow": it must be a date/],
    ['{ why: x, on: mars }', /cannot accept worker host "mars": it must be one of github, sourcehut, local$/],
    ['{ why: x, when: y }', /cannot accept key "when" in expect-fail: it must be one of on, until, why/],
    ['yes', /cannot accept expect-fail "yes": it must be a map of keys and values$/],
    [
      '{ why: x }, allow-failure: true',
      /cannot accept key "allow-failure": a failure that is expected passes/,
    ],
  ] as const) {
    const config = read(value);
    assert.match(config.ok ? 'accepted' : config.error, message, value);
  }
});

test('parseImage() refuses each ssh destination that ssh or a shell could read as something else', () => {
  const bad = [
    ...[
      '',
      '-host',
      '-oProxyCommand=x',
      '-J',
      'ci@',
      '@host',
      'ci@-oProxyCommand=x',
      '-l@host',
      'ci@-',
      ' host',
    ],
    ...['ho st', 'host ', 'ci@ho\tst', 'ci@host\n', 'host\0', 'host\u007f', 'ho\u0085st', 'host\u2028'],
    ...[
      '$(id)',
      '`id`',
      'a;b',
      'a|b',
      'a&b',
      'a>b',
      "a'b",
      'a"b',
      'a\\b',
      'a/b',
      '//ci@host',
      'ssh://h',
      '[::1]',
      'a*',
      '~',
    ],
    ...['ci@host@x/y', 'ci@'.repeat(200), `ci@${'h'.repeat(300)}`, '{a,b}', 'a=b', '#', 'host!'],
  ];
  for (const destination of bad) {
    const parsed = parseImage(`ssh:${destination}`);
    assert.ok(!parsed.ok, destination);
    assert.match(parsed.error, /cannot accept image ".*": ssh: must be followed by USER@HOST/, destination);
  }
});
