/** `USER@HOST:DIR` and its keys -> where results go over SSH, with every reason against it told before a job begins. */
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
  /** the site's folder there; relative to the user's home where it does not begin with a slash */
  readonly folder: string;
  readonly login: { readonly privateKey: string } | { readonly agent: string };
  readonly knownHosts: ReturnType<typeof parseKnownHosts>;
}

export interface SshOptions {
  readonly ssh: string;
  /** what the address is called in messages; --ssh unless set */
  readonly what?: string;
  readonly sshPort?: string;
  readonly sshKey?: string;
  readonly knownHosts?: string;
}

/** Where keys are looked for. */
export interface SshContext {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

/** Reads `USER@HOST:DIR`; an IPv6 address stands in brackets. */
function parseSshAddress(
  text: string,
  what = '--ssh',
): Result<{ readonly user: string; readonly host: string; readonly folder: string }> {
  const parts = /^([^@:/\s-][^@:/\s]*)@(\[[0-9A-Fa-f:.]+\]|[^@:/\s[\]-][^@:/\s[\]]*):([^\0]+)$/.exec(text);
  if (parts === null) return refuse(`cannot accept ${what} ${quote(text)}: it must be USER@HOST:DIR`);
  const [, user = '', host = '', folder = ''] = parts;
  return accept({ user, host: host.replace(/^\[|\]$/g, ''), folder: folder.replace(/(.)\/+$/, '$1') });
}

/** A host without an entry in known_hosts is refused here; its key is compared when it answers. */
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
      `cannot trust host ${quote(hostEntryName(host, port))}: ${quote(knownHostsFile, 300)} has no key of it; ` +
        `mend: ssh-keyscan -p ${port} ${host}, compare the key with the host's own, and add it`,
    );
  }
  const login = await findLogin(
    options.sshKey && resolve(cwd, options.sshKey),
    environment.SSH_AUTH_SOCK,
    home,
  );
  return login.ok ? accept({ ...address.value, port, login: login.value, knownHosts }) : login;
}

/** The named key; else the agent; else the first of ssh's own default keys. */
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
  return refuse('cannot log in over SSH: there is no key; name one with --ssh-key');
}
