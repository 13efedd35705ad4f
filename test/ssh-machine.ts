/** Another machine for jobs: a real sshd on loopback, an alias of the user's ssh configuration, and a cache of its own. */
import { chmod, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestEngine } from './engines.js';
import { startSshd, type TestSshd } from './sshd.js';

export interface SshMachine extends TestEngine {
  readonly sshd: TestSshd;
  /** the names of the folders that jobs have there */
  readonly folders: () => Promise<readonly string[]>;
}

export interface SshMachineOptions {
  /** the PATH there */
  readonly path?: string;
  /** further lines of the configuration of sshd */
  readonly more?: readonly string[];
  /** further lines of the user's configuration of ssh */
  readonly client?: readonly string[];
}

/** The name in the user's configuration of ssh. */
export const sshAlias = 'soil-test-host';

export async function openSshMachine({
  path,
  more = [],
  client = [],
}: SshMachineOptions = {}): Promise<SshMachine> {
  // sshd reads the first SetEnv only.
  const variables: string[] = [];
  const sshd = await startSshd({
    more: (folder) => {
      variables.push(
        `XDG_CACHE_HOME=${join(folder, 'cache')}`,
        ...(path === undefined ? [] : [`PATH=${path}`]),
      );
      return [`SetEnv ${variables.join(' ')}`, ...more];
    },
  });
  const { folder, port, user, key, hostKey } = sshd;
  const [bin, config, known] = ['bin', 'ssh_config', 'known_hosts'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  await writeFile(known, `[127.0.0.1]:${port} ${hostKey}\n`);
  const lines = [
    ...[`Host ${sshAlias}`, 'HostName 127.0.0.1', `Port ${port}`, `User ${user}`, `IdentityFile ${key}`],
    ...['IdentitiesOnly yes', `UserKnownHostsFile ${known}`, 'StrictHostKeyChecking yes', ...client],
  ];
  await writeFile(config, `${lines.join('\n')}\n`);
  // ssh finds the user's configuration by the passwd file, not by HOME.
  await mkdir(bin);
  await writeFile(join(bin, 'ssh'), `#!/bin/sh\nexec /usr/bin/ssh -F ${config} "$@"\n`);
  await chmod(join(bin, 'ssh'), 0o755);
  return {
    ...{ sshd, engine: undefined, image: `ssh:${sshAlias}` },
    environment: { PATH: `${bin}:${process.env.PATH ?? ''}` },
    containers: () => Promise.resolve([]),
    folders: () => readdir(join(folder, 'cache', 'soil')).catch(() => []),
    close: async () => {
      await sshd.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
