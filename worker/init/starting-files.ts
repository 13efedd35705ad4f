/** Renders soil.yml, the GitHub workflow and the sourcehut manifest of a new project. Pure. */
import { stringify } from 'yaml';
import type { JobDeclaration, MergeRule } from '../config/job-declaration.js';
import type { SuggestedJob } from './project-kind.js';

export const workflowFile = '.github/workflows/soil.yml';
export const manifestFile = '.builds/soil.yml';

// Without anchors: GitHub Actions does not support them.
const formatYaml = (value: unknown): string =>
  stringify(value, { aliasDuplicateObjects: false, lineWidth: 0, defaultStringType: 'PLAIN' });

export interface SoilYmlOptions {
  readonly project: string;
  /** the branch that maybe-merge updates */
  readonly branch: string;
  /** the URL or the path of the JSON Schema, for editors */
  readonly schema?: string;
}

/** Renders soil.yml with a merge rule for `branch`. */
export function formatSoilYml(
  jobs: readonly SuggestedJob[],
  { project, branch, schema }: SoilYmlOptions,
): string {
  const declared = Object.fromEntries(jobs.map(({ name, image, tasks }) => [name, { image, tasks }]));
  return [
    ...(schema === undefined ? [] : [`# yaml-language-server: $schema=${schema}`]),
    '# The jobs that soil-worker runs. docs/project.md describes every key.',
    `# To run a job: soil-worker run ${jobs[0]?.name ?? 'JOB'}`,
    formatYaml({ project, jobs: declared }).trimEnd(),
    '# soil-worker maybe-merge fast-forwards the branch `to` to commits of soil-staging that passed every job.',
    formatYaml({ merge: { from: 'soil-staging', to: branch, require: 'all' } }),
  ].join('\n');
}

export interface CiOptions {
  readonly jobs: readonly Pick<JobDeclaration, 'name' | 'needs' | 'image'>[];
  readonly merge?: MergeRule;
  /** the package as an argument of npm: `soil-ci@0.1.0` */
  readonly tool: string;
}

const checkout = { uses: 'actions/checkout@v4', with: { 'persist-credentials': false, submodules: true } };
const setupNode = { uses: 'actions/setup-node@v4', with: { 'node-version': 20 } };
const variables = {
  // Pull requests from forks have no secrets: their jobs run, but are not published.
  SOIL_SERVER: '${{ secrets.SOIL_TOKEN && vars.SOIL_SERVER }}',
  SOIL_TOKEN: '${{ secrets.SOIL_TOKEN }}',
};

/** Renders a workflow with one GitHub job for each job of soil.yml, so that independent jobs run in parallel. */
export function formatWorkflow({ jobs, merge, tool }: CiOptions): string {
  // Outside the checkout, and before it: a job could replace a program in node_modules/.
  const start = [setupNode, { run: `npm install --global ${tool}` }, checkout];
  const ids = new Map(jobs.map(({ name }) => [name, githubId(name)]));
  const jobEntries = jobs.map(({ name, needs, image }): readonly [string, unknown] => {
    const isRaw = image.kind === 'none';
    return [
      githubId(name),
      {
        name,
        'runs-on': 'ubuntu-24.04',
        'timeout-minutes': 120,
        ...(needs.length > 0 && { needs: needs.map((need) => ids.get(need)) }),
        steps: [...start, ...(isRaw ? rawSteps(name, needs) : containerSteps(name, needs))],
      },
    ];
  });
  const gate = merge && {
    'maybe-merge': {
      // maybe-merge reads the status API itself. It also runs after a failed job, and reports which one failed.
      if: `always() && github.event_name == 'push' && github.ref == 'refs/heads/${merge.from}' && vars.SOIL_SERVER != ''`,
      'runs-on': 'ubuntu-24.04',
      'timeout-minutes': 15,
      needs: [...ids.values()],
      permissions: { contents: 'write' },
      concurrency: { group: 'soil-maybe-merge', 'cancel-in-progress': false },
      steps: [
        ...start,
        {
          run: `soil-worker maybe-merge --github "$GITHUB_REPOSITORY"`,
          env: {
            SOIL_SERVER: '${{ vars.SOIL_SERVER }}',
            SOIL_GITHUB_API_TOKEN: '${{ secrets.SOIL_GITHUB_API_TOKEN || github.token }}',
          },
        },
      ],
    },
  };
  return [
    '# Runs the jobs of soil.yml. Publishes them if the variable SOIL_SERVER and the secret SOIL_TOKEN are set.',
    formatYaml({
      name: 'soil',
      on: { push: { branches: ['**'] }, pull_request: {} },
      permissions: { contents: 'read' },
      jobs: { ...Object.fromEntries<unknown>(jobEntries), ...gate },
    }),
  ].join('\n');
}

/** GitHub has ordered the jobs, and what a needed job left is on another machine. */
const runOf = (name: string, needs: readonly string[]): string =>
  `soil-worker run ${name}${needs.length > 0 ? ' --no-needs' : ''}`;

const containerSteps = (name: string, needs: readonly string[]): readonly unknown[] => [
  { run: `${runOf(name, needs)} \${SOIL_SERVER:+--publish}`, env: variables },
];

/**
 * Tasks on the raw machine can read the environment of the step that runs them, so that step has no token. GitHub removes
 * the machine afterwards, so that it can run the jobs of forks, too.
 */
const rawSteps = (name: string, needs: readonly string[]): readonly unknown[] => [
  {
    'continue-on-error': true,
    run: `test -z "$SOIL_SERVER" || soil-worker announce ${name}`,
    env: variables,
  },
  { run: `${runOf(name, needs)} --no-untrusted` },
  { if: 'always()', run: `test -z "$SOIL_SERVER" || soil-worker publish ${name}`, env: variables },
];

/** Returns a valid GitHub job id: letters, digits, `-` and `_`, not starting with a digit. Job names can have dots. */
const githubId = (name: string): string => `job-${name.replace(/[^A-Za-z0-9_-]/g, '_')}`;

/** Renders a manifest that runs all jobs on one machine, in the order of their needs, even after a failed one. */
export function formatManifest({ jobs, tool }: CiOptions, folder: string): string {
  const raw = jobs.filter(({ image }) => image.kind === 'none').map(({ name }) => name);
  const hasToken = '[ -r ~/.soil-secret ]';
  const publish = `if ${hasToken}; then with_token run "$job" --publish || status=$?; else soil run "$job" || status=$?; fi`;
  const perJob =
    raw.length === 0
      ? [`  ${publish}`]
      : [
          '  case $job in',
          `    ${raw.join(' | ')}) # on this machine: the environment of its tasks and their parents has no token`,
          `      if ${hasToken}; then with_token announce "$job" || true; fi`,
          '      soil run "$job" || status=$?',
          `      if ${hasToken}; then with_token publish "$job" || status=$?; fi ;;`,
          `    *) ${publish} ;;`,
          '  esac',
        ];
  const run = [
    'set +x # the shell would print the token',
    `npm install --global --prefix ~/.soil-ci ${tool}`,
    `cd ${/^[\w.-]+$/.test(folder) ? folder : `"$(ls -d -- */ | head -n 1)"`}`,
    'soil() { ~/.soil-ci/bin/soil-worker "$@"; }',
    'with_token() { (set -a; . ~/.soil-secret; set +a; soil "$@"); }',
    'status=0',
    `for job in ${sortByNeeds(jobs).join(' ')}; do`,
    ...perJob,
    'done',
    'exit $status',
    '',
  ].join('\n');
  return [
    '# Runs the jobs of soil.yml. Publishes them if the file secret ~/.soil-secret sets SOIL_SERVER and SOIL_TOKEN.',
    ...(raw.length > 0
      ? ['# Jobs with "image: none" run as the owner of that file, and their tasks can read it.']
      : []),
    formatYaml({
      image: 'debian/stable',
      packages: ['git', 'nodejs', 'npm', 'podman', 'uidmap', 'slirp4netns'],
      tasks: [{ jobs: run }],
    }),
  ].join('\n');
}

/** Sorts jobs so that each comes after its needs. soil.yml has no cycles. */
function sortByNeeds(jobs: CiOptions['jobs']): readonly string[] {
  const sorted: string[] = [];
  while (sorted.length < jobs.length) {
    const next = jobs.filter(
      ({ name, needs }) => !sorted.includes(name) && needs.every((n) => sorted.includes(n)),
    );
    if (next.length === 0) break;
    sorted.push(...next.map(({ name }) => name));
  }
  return sorted;
}
