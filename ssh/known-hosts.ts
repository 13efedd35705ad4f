/** Parses known_hosts files (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT) and checks the keys of hosts. Pure. */
import { createHmac } from 'node:crypto';

interface KnownHost {
  readonly revoked: boolean;
  /** comma-separated patterns, or `|1|SALT|HASH` */
  readonly names: string;
  readonly type: string;
  readonly key: Buffer;
}

/** Parses the entries of a known_hosts file. Ignores other lines, and the keys of certificate authorities. */
export function parseKnownHosts(text: string): KnownHost[] {
  return text.split(/\r?\n/).flatMap((line) => {
    if (line.trim() === '' || line.trimStart().startsWith('#')) return [];
    const words = line.trim().split(/[ \t]+/);
    const marker = words[0]?.startsWith('@') === true ? words.shift() : undefined;
    const [names = '', type = '', base64 = ''] = words;
    if (base64 === '' || (marker !== undefined && marker !== '@revoked')) return [];
    return [{ revoked: marker === '@revoked', names, type, key: Buffer.from(base64, 'base64') }];
  });
}

/** Returns the name of a host in the file: `HOST`, or `[HOST]:PORT` if the port is not 22. */
export function hostEntryName(host: string, port: number): string {
  return port === 22 ? host.toLowerCase() : `[${host.toLowerCase()}]:${port}`;
}

/** Returns the types of the known keys of a host. The connection must ask for one of them. */
export function knownKeyTypes(hosts: readonly KnownHost[], name: string): string[] {
  return [...new Set(hosts.filter((h) => !h.revoked && matches(h.names, name)).map(({ type }) => type))];
}

export type KeyVerdict = 'known' | 'unknown' | 'changed' | 'revoked';

/** Checks the key that a host presents. `changed`: only other keys of the host are known, so it may be an impostor. */
export function checkKey(hosts: readonly KnownHost[], name: string, key: Buffer): KeyVerdict {
  const entries = hosts.filter((host) => matches(host.names, name));
  if (entries.some((host) => host.revoked && host.key.equals(key))) return 'revoked';
  const trusted = entries.filter((host) => !host.revoked);
  if (trusted.some((host) => host.key.equals(key))) return 'known';
  return trusted.length === 0 ? 'unknown' : 'changed';
}

function matches(names: string, name: string): boolean {
  const [, salt, hash] = /^\|1\|([^|]+)\|([^|]+)$/.exec(names) ?? [];
  if (salt !== undefined && hash !== undefined) {
    return createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64') === hash;
  }
  let found = false;
  for (const pattern of names.toLowerCase().split(',')) {
    const negated = pattern.startsWith('!');
    if (!matchesPattern(negated ? pattern.slice(1) : pattern, name)) continue;
    if (negated) return false;
    found = true;
  }
  return found;
}

function matchesPattern(pattern: string, name: string): boolean {
  const expression = pattern
    .replace(/[\\^$.|+()[\]{}]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${expression}$`).test(name);
}

/** Returns the signature algorithms for types of keys. RSA keys can also sign with SHA-2. */
export function algorithmsFor(types: readonly string[]): string[] {
  return types.flatMap((type) => (type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa'] : [type]));
}
