/** Jobs and branches -> the text of soil.yml, of GitHub's workflow and of sourcehut's manifest. Pure. */
import { stringify } from 'yaml';
import type { JobDeclaration, MergeRule } from '../config/job-declaration.js';
import type { SuggestedJob } from './project-kind.js';

export const workflowFile = '.github/workflows/soil.yml';
export const manifestFile = '.builds/soil.yml';

// No anchors: GitHub's runner reads none.
const yaml = (value: unknown): string =>
  stringify(value, { aliasDuplicateObjects: false, lineWidth: 0, defaultStringType: 'PLAIN' });

export interface SoilYmlOptions {
  readonly project: string;
  /** the branch that the gate updates */
  readonly branch: string;
  /** the URL or the path of the JSON Schema, for editors */
  readonly schema?: string;
}

export function formatSoilYml(
  jobs: readonly SuggestedJob[],
  { project, branch, schema }: SoilYmlOptions,
): string {
  const declared = Object.fromEntries(jobs.map(({ name, image, tasks }) => [name, { image, tasks }]));
  return [
    ...(schema === undefined ? [] : [`# yaml-language-server: $schema=${schema}`]),
    '# What soil-worker runs: docs/project.md has every key. Try it: npx soil-worker run ' +
      (jobs[0]?.name ?? ''),
    yaml({ project, jobs: declared }).trimEnd(),
    '# Commits of soil-staging that pass every job become the tip of the branch `to`: soil-worker maybe-merge.',
    yaml({ merge: { from: 'soil-staging', to: branch, require: 'all' } }),
  ].join('\n');
}

export interface CiOptions {
  readonly jobs: readonly Pick<JobDeclaration, 'name' | 'needs'>[];
  readonly merge?: MergeRule;
  /** how npx names this package: `soil-ci@0.1.0` */
  readonly tool: string;
}

const checkout = { uses: 'actions/checkout@v4', with: { 'persist-credentials': false, submodules: true } };
const setupNode = { uses: 'actions/setup-node@v4', with: { 'node-version': 20 } };
const variables = {
  // The pull request of a fork has no secrets: its jobs run, and could not be published.
  SOIL_SERVER: '${{ secrets.SOIL_TOKEN && vars.SOIL_SERVER }}',
  SOIL_TOKEN: '${{ secrets.SOIL_TOKEN }}',
};

/** One job of GitHub's for each of ours, so that they start beside each other, and after those that they need. */
export function formatWorkflow({ jobs, merge, tool }: CiOptions): string {
  const soil = `npx --yes --package=${tool} soil-worker`;
  const ids = new Map(jobs.map(({ name }) => [name, githubId(name)]));
  const running = jobs.map(({ name, needs }): readonly [string, unknown] => [
    githubId(name),
    {
      name,
      'runs-on': 'ubuntu-24.04',
      'timeout-minutes': 120,
      ...(needs.length > 0 && { needs: needs.map((need) => ids.get(need)) }),
      steps: [checkout, setupNode, { run: `${soil} run ${name} \${SOIL_SERVER:+--publish}`, env: variables }],
    },
  ]);
  const gate = merge && {
    'maybe-merge': {
      // The gate asks the status API itself: it runs also when a job above failed, and says which.
      if: `always() && github.event_name == 'push' && github.ref == 'refs/heads/${merge.from}' && vars.SOIL_SERVER != ''`,
      'runs-on': 'ubuntu-24.04',
      'timeout-minutes': 15,
      needs: [...ids.values()],
      permissions: { contents: 'write' },
      concurrency: { group: 'soil-maybe-merge', 'cancel-in-progress': false },
      steps: [
        checkout,
        setupNode,
        {
          run: `${soil} maybe-merge --github "$GITHUB_REPOSITORY"`,
          env: {
            SOIL_SERVER: '${{ vars.SOIL_SERVER }}',
            SOIL_GITHUB_API_TOKEN: '${{ secrets.SOIL_GITHUB_API_TOKEN || github.token }}',
          },
        },
      ],
    },
  };
  return [
    '# Runs the jobs of soil.yml; publishes them where the variable SOIL_SERVER and the secret SOIL_TOKEN are set.',
    yaml({
      name: 'soil',
      on: { push: { branches: ['**'] }, pull_request: {} },
      permissions: { contents: 'read' },
      jobs: { ...Object.fromEntries<unknown>(running), ...gate },
    }),
  ].join('\n');
}

/** Letters, digits, `-` and `_`, not beginning with a digit: a job of ours may have dots. */
const githubId = (name: string): string => `job-${name.replace(/[^A-Za-z0-9_-]/g, '_')}`;

/** One machine runs all jobs, also after one failed: those that another one needs come first. */
export function formatManifest({ jobs, tool }: CiOptions, folder: string): string {
  const run = [
    `cd ${/^[\w.-]+$/.test(folder) ? folder : `"$(ls -d -- */ | head -n 1)"`}`,
    `soil() { npx --yes --package=${tool} soil-worker "$@"; }`,
    'if [ -r ~/.soil-secret ]; then set -a; . ~/.soil-secret; set +a; fi',
    'status=0',
    `for job in ${inOrder(jobs).join(' ')}; do`,
    '  soil run "$job" ${SOIL_SERVER:+--publish} || status=$?',
    'done',
    'exit $status',
    '',
  ].join('\n');
  return [
    '# Runs the jobs of soil.yml. The file secret ~/.soil-secret may set SOIL_SERVER and SOIL_TOKEN: then they are published.',
    yaml({
      image: 'debian/stable',
      packages: ['git', 'nodejs', 'npm', 'podman', 'uidmap', 'slirp4netns'],
      tasks: [{ jobs: run }],
    }),
  ].join('\n');
}

/** soil.yml has no circles: each round takes those whose needs are met. */
function inOrder(jobs: CiOptions['jobs']): readonly string[] {
  const done: string[] = [];
  while (done.length < jobs.length) {
    const next = jobs.filter(
      ({ name, needs }) => !done.includes(name) && needs.every((n) => done.includes(n)),
    );
    if (next.length === 0) break;
    done.push(...next.map(({ name }) => name));
  }
  return done;
}
