/** Options that several commands of soil-worker have on their command line. Each call makes one anew, as commander wants it. */
import { Option } from 'commander';

export const server = (): Option => new Option('--server <url>', 'the Soil server (or SOIL_SERVER)');
export const tokenFile = (): Option =>
  new Option('--token-file <file>', 'read the token from a file that its owner alone may read');
export const config = (): Option =>
  new Option('--config <file>', 'read this instead of soil.yml at the root of the repo');
export const out = (): Option =>
  new Option('--out <dir>', 'the folder that has a folder for each job (default: _soil)');
export const runId = (): Option => new Option('--run-id <id>', 'a local run of this id (or SOIL_RUN)');
export const attempt = (): Option =>
  new Option('--attempt <n>', 'the attempt of that run (or SOIL_ATTEMPT; default: 1)');
export const engine = (): Option =>
  new Option('--engine <engine>', 'the container engine').choices(['podman', 'docker']);
export const image = (): Option =>
  new Option('--image <image>', "run in this image instead of the job's own; none: on the raw machine");
export const host = (): Option =>
  new Option('--host <host>', "the worker host of the commit's folder (default: this one's)").choices([
    'github',
    'sourcehut',
    'local',
  ]);
export const commit = (): Option => new Option('--commit <commit>', 'the commit (default: HEAD)');
export const json = (): Option => new Option('--json', 'tell it as JSON, for programs');
export const publishLimit = (): Option =>
  new Option('--publish-limit <duration>', 'try a server that does not answer so long (default: 2m)');
export const ssh = (): Option[] => [
  new Option('--ssh <user@host:dir>', 'publish into the folder of a site over SFTP instead'),
  new Option('--ssh-port <n>', 'the port of the SSH server (default: 22)'),
  new Option('--ssh-key <file>', 'log in with this key (default: the agent, then ~/.ssh/id_*)'),
  new Option('--known-hosts <file>', 'the keys of hosts to trust (default: ~/.ssh/known_hosts)'),
  new Option('--no-rebuild', 'leave the pages there as they are'),
];
