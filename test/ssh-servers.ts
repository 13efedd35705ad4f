/** Starts three hosts, each a real sshd: one with soil-server, one without, and one that allows files only. */
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { must, run, soilServer, soilWorker, worker, type CommandEnd } from './command.js';
import { makeRepo } from './git-repo.js';
import { startSshd, type TestSshd } from './sshd.js';

export type SshServerName = 'with-server' | 'plain' | 'files-only';

export interface SshServers {
  /** folder for the test's files */
  readonly folder: string;
  /** a repository that has run the job `unit` as the run `r1` */
  readonly repo: string;
  readonly deploy: (host: SshServerName, site: string, more?: readonly string[]) => Promise<CommandEnd>;
  /** publishes the last results of the job of `repo` */
  readonly publish: (host: SshServerName, site: string, more?: readonly string[]) => Promise<CommandEnd>;
  readonly runJob: (repo: string, run: string) => Promise<void>;
  readonly close: () => Promise<void>;
}

const yaml = `project: p\njobs:\n  unit: {image: none, tasks: [{name: greet, run: echo hello}]}\n`;

export async function startSshServers(): Promise<SshServers> {
  const folder = await mkdtemp(join(tmpdir(), 'soil-hosts-'));
  const tools = { 'with-server': join(folder, 'with-server'), plain: join(folder, 'plain') };
  for (const path of Object.values(tools)) await mkdir(path);
  await symlink(process.execPath, join(tools['with-server'], 'node'));
  await writeFile(
    join(tools['with-server'], 'soil-server'),
    `#!/bin/sh\nexec ${process.execPath} ${soilServer} "$@"\n`,
  );
  await chmod(join(tools['with-server'], 'soil-server'), 0o755);
  const [withServer, plain, filesOnly] = await Promise.all([
    startSshd({ path: tools['with-server'] }),
    startSshd({ path: tools.plain }),
    startSshd({ path: tools['with-server'], more: ['ForceCommand internal-sftp'] }),
  ]);
  const hosts: Record<SshServerName, TestSshd> = {
    'with-server': withServer,
    plain,
    'files-only': filesOnly,
  };
  const runJob = async (repo: string, id: string): Promise<void> => {
    await must(process.execPath, [soilWorker, 'run', 'unit', '--run-id', id], {
      cwd: repo,
      env: { GITHUB_ACTIONS: '' },
    });
  };
  const repo = await makeRepo({ 'soil.yml': yaml });
  await runJob(repo, 'r1');
  const keysOf = async (sshd: TestSshd): Promise<readonly string[]> => {
    const known = join(sshd.folder, 'known_hosts');
    await writeFile(known, `[127.0.0.1]:${sshd.port} ${sshd.hostKey}\n`);
    return ['--ssh-port', String(sshd.port), '--ssh-key', sshd.key, '--known-hosts', known];
  };
  const addressOf = (sshd: TestSshd, site: string): string => `${sshd.user}@127.0.0.1:${site}`;
  return {
    ...{ folder, repo, runJob },
    deploy: async (host, site, more = []) => {
      const keys = await keysOf(hosts[host]);
      return run(process.execPath, [soilServer, 'deploy', addressOf(hosts[host], site), ...keys, ...more]);
    },
    publish: async (host, site, more = []) => {
      const keys = await keysOf(hosts[host]);
      return worker(['publish', 'unit', '--ssh', addressOf(hosts[host], site), ...keys, ...more], {
        cwd: repo,
      });
    },
    close: async () => {
      await Promise.all(Object.values(hosts).map((host) => host.close()));
      await Promise.all([folder, repo].map((path) => rm(path, { recursive: true, force: true })));
    },
  };
}
