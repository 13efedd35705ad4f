/** The variables of the worker's environment that no task sees: credentials, files that steer a CI host, git's own. */

/** The environment of a process. */
type Variables = Readonly<Record<string, string | undefined>>;

interface HiddenGroup {
  readonly why: string;
  readonly names: readonly string[];
  readonly patterns?: readonly RegExp[];
}

/**
 * Every hidden variable, by why it is hidden. A name belongs here if the variable holds a credential or leads to one, if
 * what is written to the file it names changes later steps or other jobs, or if git takes the place of a repo from it.
 */
const hiddenGroups = {
  soil: {
    why: "Soil's own credentials",
    names: ['SOIL_TOKEN', 'SOIL_GITHUB_API_TOKEN'],
  },
  agents: {
    why: 'programs that hand out keys and passwords',
    names: ['SSH_AUTH_SOCK', 'SSH_ASKPASS', 'GIT_ASKPASS', 'SUDO_ASKPASS', 'GPG_AGENT_INFO'],
  },
  registries: {
    why: 'credentials of package registries',
    names: ['NPM_TOKEN', 'NODE_AUTH_TOKEN'],
  },
  github: {
    why: 'credentials of GitHub Actions, and of Gitea and Forgejo, which copy it',
    names: ['GITHUB_TOKEN', 'GH_TOKEN', 'GH_ENTERPRISE_TOKEN', 'GITHUB_ENTERPRISE_TOKEN'],
    // ACTIONS_RUNTIME_TOKEN, ACTIONS_ID_TOKEN_REQUEST_URL, ACTIONS_CACHE_URL, ACTIONS_RESULTS_URL and later ones.
    patterns: [
      /^ACTIONS_/,
      /^(GITEA|FORGEJO)_(TOKEN|RUNTIME_TOKEN)$/,
      /^INPUT_.*(TOKEN|SECRET|PASSWORD|KEY)/,
    ],
  },
  githubFiles: {
    why: 'files whose lines GitHub Actions executes as commands after the step',
    names: [],
    patterns: [/^(GITHUB|GITEA|FORGEJO)_(ENV|PATH|OUTPUT|STATE|STEP_SUMMARY)$/],
  },
  otherHosts: {
    why: 'credentials and command files of other CI hosts',
    names: [
      // sourcehut
      ...['OAUTH2_TOKEN', 'SRHT_TOKEN'],
      // GitLab
      ...[
        'CI_JOB_TOKEN',
        'CI_BUILD_TOKEN',
        'CI_JOB_JWT',
        'CI_JOB_JWT_V1',
        'CI_JOB_JWT_V2',
        'CI_REPOSITORY_URL',
      ],
      ...['CI_REGISTRY_PASSWORD', 'CI_DEPLOY_PASSWORD', 'CI_DEPENDENCY_PROXY_PASSWORD', 'GITLAB_ENV'],
      // Buildkite
      ...['BUILDKITE_AGENT_TOKEN', 'BUILDKITE_AGENT_ACCESS_TOKEN', 'BUILDKITE_AGENT_ENDPOINT'],
      ...['BUILDKITE_AGENT_JOB_API_SOCKET', 'BUILDKITE_AGENT_JOB_API_TOKEN', 'BUILDKITE_ENV_FILE'],
      // Jenkins
      ...['JENKINS_TOKEN', 'JENKINS_API_TOKEN', 'JENKINS_SECRET', 'JENKINS_AGENT_SECRET', 'JENKINS_CRUMB'],
      // CircleCI
      ...['CIRCLE_TOKEN', 'CIRCLE_OIDC_TOKEN', 'CIRCLE_OIDC_TOKEN_V2', 'CIRCLE_INTERNAL_CONFIG'],
      // Azure Pipelines
      ...['SYSTEM_ACCESSTOKEN', 'SYSTEM_OIDCREQUESTURI', 'AZURE_DEVOPS_EXT_PAT'],
      // Drone, Woodpecker
      ...['DRONE_TOKEN', 'DRONE_NETRC_PASSWORD', 'DRONE_NETRC_FILE', 'DRONE_OUTPUT', 'DRONE_ENV'],
      ...['CI_NETRC_PASSWORD', 'WOODPECKER_TOKEN'],
      // Cirrus, Bitbucket, Semaphore, TeamCity, AppVeyor, Travis
      ...['CIRRUS_ENV', 'BITBUCKET_STEP_OIDC_TOKEN', 'BITBUCKET_ACCESS_TOKEN'],
      ...['SEMAPHORE_OIDC_TOKEN', 'SEMAPHORE_ARTIFACT_TOKEN', 'TEAMCITY_AUTH_PASSWORD', 'APPVEYOR_API_URL'],
      ...['TRAVIS_API_TOKEN'],
    ],
    patterns: [/^ENDPOINT_AUTH_/, /^SECURE_FILE_/],
  },
  git: {
    why: "what git sets for its hooks, see `git rev-parse --local-env-vars`: a task's git would change the user's repo",
    names: [
      ...['GIT_DIR', 'GIT_WORK_TREE', 'GIT_IMPLICIT_WORK_TREE', 'GIT_COMMON_DIR', 'GIT_INDEX_FILE'],
      ...['GIT_OBJECT_DIRECTORY', 'GIT_ALTERNATE_OBJECT_DIRECTORIES', 'GIT_QUARANTINE_PATH', 'GIT_NAMESPACE'],
      ...['GIT_CONFIG', 'GIT_CONFIG_PARAMETERS', 'GIT_CONFIG_COUNT', 'GIT_PREFIX', 'GIT_SHALLOW_FILE'],
      ...['GIT_GRAFT_FILE', 'GIT_NO_REPLACE_OBJECTS', 'GIT_REPLACE_REF_BASE', 'GIT_INTERNAL_SUPER_PREFIX'],
      // What hooks inherit from git.
      ...['GIT_EXEC_PATH', 'GIT_PROTOCOL', 'GIT_REFLOG_ACTION', 'GIT_INTERNAL_GETTEXT_SH_SCHEME'],
    ],
    patterns: [/^GIT_CONFIG_(KEY|VALUE)_/],
  },
} satisfies Readonly<Record<string, HiddenGroup>>;

const groups: readonly HiddenGroup[] = Object.values(hiddenGroups);
const names: ReadonlySet<string> = new Set(groups.flatMap((group) => group.names));
const patterns: readonly RegExp[] = groups.flatMap((group) => group.patterns ?? []);

/** The folder of the files that GitHub's runner reads after a step, in whatever variable it is named. */
const commandFile = /[/\\]_runner_file_commands([/\\]|$)/;

/** Reports whether no task may see a variable of this name. */
export function isHiddenName(name: string): boolean {
  return names.has(name) || patterns.some((pattern) => pattern.test(name));
}

/** Reports whether a name is hidden only because git's place of a repo comes from it: soil.yml may set such a variable. */
export function isGitName(name: string): boolean {
  const { names: git, patterns: more } = hiddenGroups.git;
  return git.includes(name) || more.some((pattern) => pattern.test(name));
}

/**
 * Returns an environment without hidden variables: for raw tasks, for the engine's client (`--env NAME` and `--env-host`
 * pass on what it has), and for the build of an image.
 */
export function withoutHidden(environment: Variables): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(environment).filter(
      ([name, value]) => !isHiddenName(name) && (value === undefined || !commandFile.test(value)),
    ),
  );
}
