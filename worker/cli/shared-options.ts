/** Options that several commands share. Each call returns a new Option, since commander stores state in it. */
import { Option } from 'commander';

export const server = (): Option =>
  new Option('--server <url>', 'use the Soil server at this URL (or SOIL_SERVER)');
export const tokenFile = (): Option =>
  new Option('--token-file <file>', 'read the token from a file that only its owner can read');
export const config = (): Option =>
  new Option('--config <file>', 'read this file instead of soil.yml at the root of the repo');
export const out = (): Option =>
  new Option('--out <dir>', 'write the files of each job to a subfolder of this one (default: _soil)');
export const runId = (): Option => new Option('--run-id <id>', 'set the id of a local run (or SOIL_RUN)');
export const attempt = (): Option =>
  new Option('--attempt <n>', 'use this attempt of the run (or SOIL_ATTEMPT; default: 1)');
export const engine = (): Option =>
  new Option('--engine <engine>', 'use this container engine').choices(['podman', 'docker']);
export const image = (): Option =>
  new Option('--image <image>', 'run in this image instead of the one in soil.yml; none: the raw machine');
export const tasks = (): Option =>
  new Option('--tasks <file>', 'read the tasks from a file with four columns; - for stdin');
export const needs = (): Option =>
  new Option('--no-needs', 'run the named jobs only, since the CI host has ordered the jobs');
export const host = (): Option =>
  new Option('--host <host>', 'use the run of this worker host (default: this one)').choices([
    'github',
    'sourcehut',
    'local',
  ]);
export const commit = (): Option => new Option('--commit <commit>', 'use this commit (default: HEAD)');
export const json = (): Option => new Option('--json', 'print JSON');
export const publish = (): Option =>
  new Option('--publish', 'publish the results, and send events to the server while the job runs');
export const publishLimit = (): Option =>
  new Option('--publish-limit <duration>', 'keep retrying an unreachable server for this long (default: 2m)');
export const untrusted = (): Option[] => [
  new Option('--untrusted', 'apply the strict policy for jobs of strangers (default for fork events)'),
  new Option('--no-untrusted', 'trust the jobs, even for a fork event'),
];
export const ssh = (): Option[] => [
  new Option('--ssh <user@host:dir>', 'publish to the folder of a site over SFTP instead'),
  new Option('--ssh-port <n>', 'connect to this SSH port (default: 22)'),
  new Option('--ssh-key <file>', 'log in with this key (default: the SSH agent, then ~/.ssh/id_*)'),
  new Option('--known-hosts <file>', 'trust the host keys in this file (default: ~/.ssh/known_hosts)'),
  new Option('--no-rebuild', 'do not rebuild the pages on the SSH host'),
];
