import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { isHiddenName, withoutHidden } from './hidden-variables.js';

const hidden = [
  ...['SOIL_TOKEN', 'SOIL_GITHUB_API_TOKEN', 'GITHUB_TOKEN', 'GH_TOKEN', 'NPM_TOKEN', 'SSH_AUTH_SOCK'],
  ...['GITHUB_ENV', 'GITHUB_PATH', 'GITHUB_OUTPUT', 'GITHUB_STATE', 'GITHUB_STEP_SUMMARY', 'FORGEJO_ENV'],
  ...['ACTIONS_RUNTIME_TOKEN', 'ACTIONS_ID_TOKEN_REQUEST_URL', 'ACTIONS_CACHE_URL', 'ACTIONS_LATER_TOKEN'],
  ...['CI_JOB_TOKEN', 'CI_REPOSITORY_URL', 'BUILDKITE_AGENT_ACCESS_TOKEN', 'BUILDKITE_ENV_FILE'],
  ...[
    'JENKINS_AGENT_SECRET',
    'OAUTH2_TOKEN',
    'SYSTEM_ACCESSTOKEN',
    'CIRCLE_OIDC_TOKEN',
    'DRONE_NETRC_PASSWORD',
  ],
  ...['GIT_DIR', 'GIT_INDEX_FILE', 'GIT_CONFIG_KEY_0', 'GIT_CONFIG_VALUE_12', 'GIT_QUARANTINE_PATH'],
  ...['INPUT_TOKEN', 'INPUT_GITHUB-TOKEN'],
];
const visible = [
  ...[
    'PATH',
    'HOME',
    'CI',
    'GITHUB_ACTIONS',
    'GITHUB_SHA',
    'GITHUB_WORKSPACE',
    'GITHUB_EVENT_PATH',
    'RUNNER_TEMP',
  ],
  ...[
    'SOIL_SERVER',
    'SOIL_JOB',
    'GIT_AUTHOR_NAME',
    'GIT_SSH_COMMAND',
    'JOB_ID',
    'CI_COMMIT_SHA',
    'NODE_OPTIONS',
  ],
  ...['GITHUB_ENVIRONMENT', 'MY_GITHUB_ENV', 'INPUT_JOB'],
];

test('isHiddenName() hides credentials, command files and the place of a repo, and nothing else', () => {
  assert.deepEqual(
    hidden.filter((name) => !isHiddenName(name)),
    [],
  );
  assert.deepEqual(visible.filter(isHiddenName), []);
});

test("isHiddenName() hides every variable that the installed git calls a repo's own", () => {
  const names = execFileSync('git', ['rev-parse', '--local-env-vars'], { encoding: 'utf8' })
    .trim()
    .split('\n');
  assert.ok(names.includes('GIT_DIR'));
  assert.deepEqual(
    names.filter((name) => !isHiddenName(name)),
    [],
  );
});

test('withoutHidden() also hides a command file under a name that it does not know', () => {
  const environment = {
    LATER_FILE: '/home/runner/work/_temp/_runner_file_commands/set_env_1234',
    RUNNER_TEMP: '/home/runner/work/_temp',
    SOIL_TOKEN: 'secret-token',
    EMPTY: undefined,
  };
  assert.deepEqual(withoutHidden(environment), { RUNNER_TEMP: '/home/runner/work/_temp', EMPTY: undefined });
});
