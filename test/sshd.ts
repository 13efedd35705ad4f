/** Starts a real sshd on loopback with new keys. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { must } from './command.js';
import { freePort } from './free-port.js';

export interface TestSshd {
  readonly port: number;
  readonly user: string;
  /** path of a private key that is allowed to log in */
  readonly key: string;
  /** the folder of its files; a test may add its own */
  readonly folder: string;
  /** `TYPE BASE64` of the host key */
  readonly hostKey: string;
  readonly close: () => Promise<void>;
}

/** `path` is the PATH of remote commands; `more` are further lines of the configuration, which may name the folder. */
export async function startSshd({
  path,
  more = [],
}: {
  readonly path?: string;
  readonly more?: readonly string[] | ((folder: string) => readonly string[]);
} = {}): Promise<TestSshd> {
  const folder = await mkdtemp(join(tmpdir(), 'soil-sshd-'));
  const hostKeyFile = join(folder, 'host_key');
  const key = join(folder, 'user_key');
  for (const file of [hostKeyFile, key])
    await must('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file]);
  await writeFile(join(folder, 'authorized_keys'), await readFile(`${key}.pub`));
  const port = await freePort();
  const config = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${hostKeyFile}`,
    `AuthorizedKeysFile ${join(folder, 'authorized_keys')}`,
    `PidFile none`,
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'UsePAM no',
    'StrictModes no',
    'PermitRootLogin prohibit-password',
    'Subsystem sftp internal-sftp',
    ...(path === undefined ? [] : [`SetEnv PATH=${path}`]),
    ...(typeof more === 'function' ? more(folder) : more),
  ];
  await writeFile(join(folder, 'sshd_config'), `${config.join('\n')}\n`);
  // sshd needs its folder for privilege separation, which usually the service's start script makes.
  if (userInfo().uid === 0) await mkdir('/run/sshd', { recursive: true });
  const child = spawn('/usr/sbin/sshd', ['-D', '-e', '-f', join(folder, 'sshd_config')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  const ended = once(child, 'exit');
  await new Promise<void>((resolve, reject) => {
    createInterface(child.stderr).on('line', (line) => {
      log += `${line}\n`;
      if (line.includes('Server listening on')) resolve();
    });
    child.on('error', reject);
    ended.then(() => {
      reject(new Error(`sshd ended before it listened\n${log}`));
    }, reject);
  });
  const [type = '', base64 = ''] = (await readFile(`${hostKeyFile}.pub`, 'utf8')).split(' ');
  return {
    ...{ port, user: userInfo().username, key, folder, hostKey: `${type} ${base64.trim()}` },
    close: async () => {
      child.kill('SIGTERM');
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
