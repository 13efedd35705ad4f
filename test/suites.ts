/** Which test file belongs to which suite, what the suite needs, and how long it takes. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

export interface Suite {
  readonly name: string;
  readonly needs: string;
  /** on a quiet machine with two cores, without the build */
  readonly seconds: number;
  /** test files without `.test.ts` */
  readonly files: readonly string[];
  /** fixtures in test/ that start what the suite needs; `unit` may use none of any suite */
  readonly fixtures: readonly string[];
}

/** Tests next to the code that they test are in `unit`, unless another suite lists them. */
export const suites: readonly Suite[] = [
  {
    name: 'unit',
    needs: 'Node, git, curl, dash and busybox',
    seconds: 15,
    files: [
      'test/architecture',
      'test/ci-files',
      'test/golden',
      'test/house',
      'test/lost-jobs',
      'test/schema',
      'test/suites',
      'test/wrong-phrases',
    ],
    fixtures: [],
  },
  {
    name: 'commands',
    needs:
      'git, npm, curl, zip, busybox and dash; other shells, jq, perl, python3 and xxd are used if they are there; the built commands run here and talk over loopback',
    seconds: 240,
    files: [
      ...[
        'test/artifact',
        'test/attacks-gate',
        'test/attacks-git',
        'test/attacks-machine',
        'test/attacks-flood',
        'test/attacks-no-token',
        'test/known-failures',
        'test/limits',
        'test/attacks-weak-token',
        'test/check',
        'test/http-rules',
        'test/docs',
        'test/doctor',
        'test/init',
        'test/maybe-merge',
      ],
      ...[
        'test/merge-failures',
        'test/openapi',
        'test/package',
        'test/output-raw',
        'test/page-failure',
        'test/policy',
        'test/projects',
        'test/prune',
      ],
      ...['test/publish', 'test/publish-network', 'test/quota', 'test/rebuild', 'test/request-line'],
      ...[
        'test/run-jobs',
        'test/run-needs',
        'test/run-raw',
        'test/secret-spellings',
        'test/server',
        'test/shell-client',
        'test/stable-urls',
      ],
      ...[
        'test/stop',
        'test/supervisor-shells',
        'test/task-hosts-raw',
        'test/tasks-raw',
        'test/worker-cli',
        'test/worker-output',
      ],
    ],
    fixtures: [
      ...['test/command-docs', 'test/faulty-proxy', 'test/job-fixture', 'test/merge-fixture'],
      ...['test/github-api', 'test/soil-server', 'test/terminal'],
    ],
  },
  {
    name: 'stress',
    needs: 'strace, and the right to mount a tmpfs',
    seconds: 240,
    files: [
      ...['test/concurrency', 'test/crash', 'test/durability', 'test/full-disk', 'test/fuzz'],
      ...['test/large-entry', 'test/slow-clients'],
    ],
    fixtures: ['test/crash-client', 'test/crash-loop', 'test/small-disk'],
  },
  {
    name: 'engines',
    needs: 'podman, docker, docker-registry, debootstrap, Chromium, a user that may have subordinate ids',
    seconds: 600,
    files: [
      ...[
        'test/attacks-container',
        'test/git-layer',
        'test/attacks-environment',
        'test/github-actions',
        'test/gnu-hello',
        'test/local',
        'test/output-docker',
        'test/output-podman',
        'test/run-docker',
        'test/run-podman',
      ],
      ...['test/run-images-docker', 'test/run-images-podman', 'test/run-images-rootless'],
      ...[
        'test/server-container',
        'test/task-hosts-docker',
        'test/task-hosts-podman',
        'test/tasks-docker',
        'test/tasks-docker-user',
        'test/tasks-podman',
      ],
      ...['test/tasks-rootless', 'test/worker-shell'],
    ],
    fixtures: ['test/debian', 'test/engines', 'test/output-behaviors', 'test/registry', 'test/rootless'],
  },
  {
    name: 'browser',
    needs: 'Chromium',
    seconds: 60,
    files: ['test/pages-browser'],
    fixtures: ['test/browser', 'test/contrast'],
  },
  {
    name: 'servers',
    needs: 'nginx, Apache, lighttpd, Caddy, sshd',
    seconds: 90,
    files: [
      'test/deploy',
      'test/output-ssh',
      'test/task-hosts-ssh',
      'test/ssh-host',
      'test/ssh-publish',
      'test/ssh-rebuild',
      'test/web-servers',
    ],
    fixtures: ['test/ssh-machine', 'test/ssh-servers', 'test/sshd', 'test/web-server'],
  },
];

/** Every test file of the sources, as in `server/store/event-log.test.ts`, sorted. */
export function findTestFiles(root: string): readonly string[] {
  const folders = readdirSync(root, { withFileTypes: true }).filter(
    (entry) => entry.isDirectory() && !/^(\.|_|dist$|node_modules$)/.test(entry.name),
  );
  return folders
    .flatMap(({ name }) =>
      readdirSync(join(root, name), { recursive: true, encoding: 'utf8' }).map((path) => join(name, path)),
    )
    .filter((path) => path.endsWith('.test.ts'))
    .sort();
}

/** The suites that list a test file, or `unit` for one next to the code that it tests. */
export function findSuites(file: string): readonly Suite[] {
  const listed = suites.filter(({ files }) => files.includes(file.replace(/\.test\.ts$/, '')));
  if (listed.length > 0 || file.startsWith('test/')) return listed;
  return suites.filter(({ name }) => name === 'unit');
}
