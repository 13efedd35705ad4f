/** Every key of soil.yml. The parser, schema/soil.schema.json and the tables in docs/project.md are made from them. */
import { parseJobName, workerHosts } from '../../model/name.js';
import { keyTable, tableOf } from '../../model/key-table.js';
import { listOf, mapOf, wordOr, words } from '../../model/value-list.js';
import { choice, duration, flag, oneLine, text, wholeNumber } from '../../model/value-type.js';
import { builtinTasks } from './builtin-task.js';
import {
  artifact,
  branch,
  buildPath,
  command,
  date,
  declaredName,
  engineWord,
  environment,
  image,
  imageFilePattern,
  imageSshPattern,
  jobName,
  jobNamePattern,
  resultPath,
  taskName,
  variableName,
} from './soil-yml-values.js';

const pullRule = choice(['missing', 'always', 'never']);

export const pullKeys = keyTable({
  keys: {
    when: {
      type: pullRule,
      what: 'pull',
      doc: 'When to pull: if the engine does not have the image, before every job, or not at all.',
      default: 'missing',
      example: 'always',
    },
    retries: {
      type: wholeNumber(0, 99),
      doc: 'How often to retry if the registry is unreachable or busy, after 2, 4, 8 s and so on. An image that the registry does not have is not retried.',
      default: '2',
      example: '5',
    },
    timeout: {
      type: duration({ minSeconds: 1 }),
      doc: 'Time limit for all tries together.',
      default: '30m',
      example: '10m',
    },
  },
});

export const buildKeys = keyTable({
  keys: {
    file: {
      type: buildPath,
      isRequired: true,
      doc: 'The Containerfile, a path below the repository.',
      example: 'ci/Containerfile',
    },
    context: {
      type: buildPath,
      doc: 'The folder that the build can read.',
      default: '.',
      example: 'ci',
    },
    timeout: {
      type: duration({ minSeconds: 1 }),
      doc: 'Time limit for the build.',
      default: '1h',
      example: '30m',
    },
    flags: {
      type: words(text('text'), { item: 'flag' }),
      doc: 'Further arguments of `podman build` or `docker build`.',
      example: '[--build-arg=CC=clang]',
    },
  },
});

export const expectFailKeys = keyTable({
  keys: {
    on: {
      type: words(choice(workerHosts), { item: 'worker host' }),
      doc: 'The worker hosts where the task fails.',
      otherwise: 'all',
      example: '[github, sourcehut]',
    },
    until: {
      type: date,
      doc: 'The last day on which the failure is known, in UTC. After it, the failure is red.',
      otherwise: 'forever',
      example: '2027-01-31',
    },
    why: {
      type: oneLine,
      isRequired: true,
      doc: 'Why it fails. Pages show it.',
      example: 'the parser is wrong',
    },
  },
});

export const taskKeys = keyTable({
  keys: {
    name: {
      type: taskName,
      what: 'task name',
      isRequired: true,
      doc: "The task's name, and the name of its log. At most 120 bytes; no slash, and no `.` or `-` at the start.",
      example: 'unit',
    },
    run: {
      type: command,
      doc: 'Shell text, run by `sh -e`. Can have several lines.',
      example: 'test/unit.sh minimal',
    },
    builtin: {
      type: choice(builtinTasks),
      doc: 'Instead of `run`: `os-info` describes the machine; `dump-env` prints the environment, with likely secrets redacted.',
      example: 'os-info',
    },
    results: {
      type: words(resultPath, { item: 'result' }),
      doc: 'Files, folders and globs below the repository to add to the wwz.',
      example: '[_test/*.html, _test/data/]',
    },
    'result-html': {
      type: resultPath,
      doc: "The result that the task's row links to.",
      otherwise: 'the only result, if it is an HTML file',
      example: '_test/index.html',
    },
    timeout: {
      type: duration({ minSeconds: 1 }),
      doc: 'Time limit.',
      otherwise: "the job's",
      example: '15m',
    },
    grace: { type: duration(), doc: 'Time between TERM and KILL.', otherwise: "the job's", example: '30s' },
    'working-folder': {
      type: resultPath,
      doc: 'A folder below the repository to run in; `.` is its root. It must exist when the task starts.',
      otherwise: "the job's",
      example: 'src',
    },
    retries: {
      type: wholeNumber(0, 99),
      doc: 'How often to retry after a failure. A pass on a retry is `flaky`. The log of every try is kept.',
      default: '0',
      example: '2',
    },
    'allow-failure': {
      type: flag,
      doc: 'Show a failure without failing the job.',
      default: 'false',
      example: 'true',
    },
    'expect-fail': {
      type: tableOf(expectFailKeys, { what: 'expect-fail' }),
      doc: 'The task is known to fail: see [Known failures](#known-failures).',
      example: '{ why: the parser is wrong, until: 2027-01-31 }',
    },
    needs: {
      type: words(declaredName, { item: 'need' }),
      doc: 'Earlier tasks of the job that must pass first; otherwise this task is skipped, and its row says why.',
      example: '[build]',
    },
    tty: { type: flag, doc: 'Run on a terminal.', otherwise: "the job's", example: 'true' },
    env: {
      type: environment,
      doc: "Variables of this task, in addition to the job's.",
      example: '{ DEBUG: 1 }',
    },
  },
  alternatives: [['run', 'builtin']],
  conflicts: [
    {
      key: 'expect-fail',
      excludes: ['allow-failure'],
      reason: 'a failure that is expected passes, and one that is allowed does not count',
    },
  ],
});

export const jobKeys = keyTable({
  keys: {
    image: {
      type: image,
      doc: 'Where the job runs: see [Images](#images). `none`: on the machine itself. `ssh:DEST`: on another machine.',
      example: 'debian:12',
    },
    build: {
      type: wordOr(buildPath, tableOf(buildKeys)),
      doc: 'A Containerfile of the repository to build the image from: see [Images](#images).',
      example: 'ci/Containerfile',
    },
    pull: {
      type: wordOr(pullRule, tableOf(pullKeys)),
      doc: 'When to pull the image: see [Images](#images).',
      default: 'missing',
      example: 'always',
    },
    tasks: {
      type: listOf(tableOf(taskKeys, { label: 'tasks' }), { item: 'the task', isNonEmpty: true }),
      doc: 'The tasks, in the order they run.',
      example: '[{ name: unit, run: make check }]',
    },
    'tasks-from': {
      type: command,
      doc: 'A command that prints a [task list](formats.md#task-lists). It runs where the tasks run.',
      example: 'soil/worker.sh unit-tasks',
    },
    env: { type: environment, doc: 'Variables of every task.', example: '{ LANG: C.UTF-8 }' },
    secrets: {
      type: words(variableName, { item: 'secret' }),
      doc: "Variables of the worker's environment that tasks get and readers do not: see [Secrets](#secrets).",
      example: '[DEPLOY_KEY]',
    },
    timeout: {
      type: duration({ minSeconds: 1 }),
      doc: 'Time limit of each task without its own.',
      default: '1h',
      example: '1h30m',
    },
    grace: {
      type: duration(),
      doc: 'Time between TERM and KILL when a task is stopped. `0s`: KILL follows immediately.',
      default: '10s',
      example: '30s',
    },
    'working-folder': {
      type: resultPath,
      doc: 'The folder below the repository in which tasks without their own run.',
      otherwise: "the repository's root",
      example: 'src',
    },
    parallel: {
      type: wholeNumber(1, 64),
      doc: 'How many tasks can run at the same time.',
      default: '1',
      example: '4',
    },
    git: {
      type: choice(['layer', 'writable']),
      doc: 'What tasks in a container change when they use git: a throw-away layer over the repository, or with `writable` the repository itself. The gate does not count such a job. See [The git repository](#the-git-repository).',
      default: 'layer',
      example: 'writable',
    },
    isolate: {
      type: flag,
      doc: 'End what a task left before the next one begins, so that it cannot interfere with later tasks: see [Tasks and each other](security.md#tasks-and-each-other).',
      default: 'false',
      example: 'true',
    },
    'stop-on-failure': {
      type: flag,
      doc: 'Start no further task after a failed one, and skip the rest.',
      default: 'false',
      example: 'true',
    },
    tty: {
      type: flag,
      doc: 'Run tasks on a terminal, unless they say otherwise.',
      default: 'false',
      example: 'true',
    },
    ptrace: {
      type: flag,
      doc: 'Let debuggers, `strace` and all sanitizers work in the container.',
      default: 'false',
      example: 'true',
    },
    'pids-limit': {
      type: wholeNumber(1, 4_194_304),
      doc: 'How many processes the container can have at the same time.',
      otherwise: "the engine's",
      example: '500',
    },
    network: {
      type: engineWord,
      doc: "The value of the engine's option `--network`.",
      otherwise: "the engine's",
      example: 'none',
    },
    user: {
      type: engineWord,
      doc: "The value of the engine's option `--user`.",
      otherwise: "the image's",
      example: '1000:1000',
    },
    'engine-flags': {
      type: words(text('text'), { item: 'engine flag' }),
      doc: 'Further arguments of `podman run` or `docker run`, before the image.',
      example: '[--memory=1g]',
    },
    artifacts: {
      type: words(artifact, { item: 'artifact' }),
      doc: 'Files to publish for the commit.',
      example: '[_release/oils.tar]',
    },
    needs: {
      type: words(declaredName, { item: 'need' }),
      doc: 'Jobs that must pass first; otherwise this job is skipped: see [Jobs that need jobs](#jobs-that-need-jobs).',
      example: '[build]',
    },
  },
  alternatives: [
    ['image', 'build'],
    ['tasks', 'tasks-from'],
  ],
  conflicts: [
    {
      key: 'image',
      pattern: /^none$/,
      excludes: ['pull', 'network', 'user', 'engine-flags', 'ptrace', 'pids-limit'],
      reason: 'the job has image: none',
    },
    {
      key: 'isolate',
      isTrue: true,
      excludes: ['parallel'],
      reason: 'the tasks of a job with isolate: true run one after another',
    },
    {
      key: 'image',
      pattern: imageFilePattern,
      excludes: ['pull'],
      reason: "the job's image is a file or folder and is not pulled",
    },
    {
      key: 'image',
      pattern: imageSshPattern,
      excludes: ['pull', 'network', 'user', 'engine-flags', 'ptrace', 'pids-limit'],
      reason: 'the job runs over SSH, without a container',
    },
    { key: 'build', excludes: ['pull'], reason: "the job's image is built and not pulled" },
  ],
});

export const mergeKeys = keyTable({
  keys: {
    from: {
      type: branch,
      isRequired: true,
      doc: 'The branch whose commits can be merged.',
      example: 'soil-staging',
    },
    to: { type: branch, isRequired: true, doc: 'The branch to update.', example: 'main' },
    require: {
      type: words(jobName, { item: 'required job', isNonEmpty: true }),
      isRequired: true,
      doc: 'The jobs that must pass, or `all`.',
      example: 'all',
    },
    isolated: {
      type: choice(['any', 'require']),
      doc: 'With `require`, a job counts only if it ran with `isolate: true`.',
      default: 'any',
      example: 'require',
    },
    uncommitted: {
      type: choice(['refuse', 'allow']),
      doc: 'With `allow`, a job counts even if there were uncommitted changes when it began, or if that is unknown.',
      default: 'refuse',
      example: 'allow',
    },
  },
});

export const soilYmlKeys = keyTable({
  keys: {
    project: { type: oneLine, isRequired: true, doc: "The project's name.", example: 'oils' },
    jobs: {
      type: mapOf({
        parseName: (name) => parseJobName(name),
        namePattern: jobNamePattern,
        value: tableOf(jobKeys),
        ...{ item: 'job', isNonEmpty: true, label: 'map of jobs' },
      }),
      isRequired: true,
      doc: "The jobs by name: letters, digits, `.`, `_` and `-`. A job's keys are [below](#a-job).",
      example: '{ unit: { image: none, tasks: [{ name: check, run: make check }] } }',
    },
    merge: {
      type: tableOf(mergeKeys),
      doc: 'The rule of [the gate](gate.md) that updates a branch.',
      example: '{ from: soil-staging, to: main, require: all }',
    },
  },
});
