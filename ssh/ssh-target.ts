/** Resolves `USER@HOST:DIR` and the keys to log in with, so that problems are reported before a job starts. */
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileErrorMessage } from '../model/error-message.js';
import { accept, quote, refuse, type Result } from '../model/result.js';
import { hostEntryName, knownKeyTypes, parseKnownHosts } from './known-hosts.js';
import { readPrivateFile } from './private-file.js';

export interface SshTarget {
  readonly user: string;
  readonly host: string;
  readonly port: number;
  /** the site's folder on the host; relative to the user's home unless it starts with a slash */
  readonly folder: string;
  readonly login: { readonly privateKey: string } | { readonly agent: string };
  readonly knownHosts: ReturnType<typeof parseKnownHosts>;
}

export interface SshOptions {
  readonly ssh: string;
  /** the name of the address in messages; --ssh unless set */
  readonly what?: string;
  readonly sshPort?: string;
  readonly sshKey?: string;
  readonly knownHosts?: string;
}

/** The environment, and the folder that relative paths start from. */
export interface SshContext {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

/** Parses `USER@HOST:DIR`. An IPv6 address needs brackets. */
function parseSshAddress(
  text: string,
  what = '--ssh',
): Result<{ readonly user: string; readonly host: string; readonly folder: string }> {
  const parts = /^([^@:/\s-][^@:/\s]*)@(\[[0-9A-Fa-f:.]+\]|[^@:/\s[\]-][^@:/\s[\]]*):([^\0]+)$/.exec(text);
  if (parts === null) return refuse(`cannot accept ${what} ${quote(text)}: it must be USER@HOST:DIR`);
  const [, user = '', host = '', folder = ''] = parts;
  return accept({ user, host: host.replace(/^\[|\]$/g, ''), folder: folder.replace(/(.)\/+$/, '$1') });
}

/** Plans a connection. Refuses a host that is not in known_hosts. The connection itself compares the key. */
export async function planSshTarget(
  options: SshOptions,
  { environment, cwd }: SshContext,
): Promise<Result<SshTarget>> {
  const address = parseSshAddress(options.ssh, options.what);
  if (!address.ok) return address;
  const portText = options.sshPort ?? '22';
  const port = /^[1-9]\d{0,4}$/.test(portText) ? Number(portText) : 0;
  if (port < 1 || port > 65535) {
    return refuse(`cannot accept --ssh-port ${quote(portText)}: it must be a whole number from 1 to 65535`);
  }
  const home = environment.HOME ?? '/';
  const knownHostsFile =
    options.knownHosts === undefined ? join(home, '.ssh', 'known_hosts') : resolve(cwd, options.knownHosts);
  let knownHosts;
  try {
    knownHosts = parseKnownHosts(await readFile(knownHostsFile, 'utf8'));
  } catch (error) {
    return refuse(`cannot read known hosts ${quote(knownHostsFile, 300)}: ${fileErrorMessage(error)}`);
  }
  const { host } = address.value;
  if (knownKeyTypes(knownHosts, hostEntryName(host, port)).length === 0) {
    return refuse(
      `cannot trust host ${quote(hostEntryName(host, port))}: ${quote(knownHostsFile, 300)} has no key for it; ` +
        `run: ssh-keyscan -p ${port} ${host}, verify the key, and add it to the file`,
    );
  }
  const login = await findLogin(
    options.sshKey && resolve(cwd, options.sshKey),
    environment.SSH_AUTH_SOCK,
    home,
  );
  return login.ok ? accept({ ...address.value, port, login: login.value, knownHosts }) : login;
}

/** Returns the given key, else the agent, else the first of ssh's default keys. */
async function findLogin(
  file: string | undefined,
  agent: string | undefined,
  home: string,
): Promise<Result<SshTarget['login']>> {
  if (file !== undefined) {
    const privateKey = await readPrivateFile(file, 'SSH key');
    return privateKey.ok ? accept({ privateKey: privateKey.value }) : privateKey;
  }
  if (agent !== undefined && agent !== '') return accept({ agent });
  for (const name of ['id_ed25519', 'id_ecdsa', 'id_rsa']) {
    const privateKey = await readPrivateFile(join(home, '.ssh', name), 'SSH key');
    if (privateKey.ok) return accept({ privateKey: privateKey.value });
  }
  return refuse('cannot log in over SSH: no key found; pass one with --ssh-key');
}
