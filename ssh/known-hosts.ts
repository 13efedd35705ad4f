/** known_hosts as ssh has it (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT) -> whether a host's key may be trusted. Pure. */
import { createHmac } from 'node:crypto';

interface KnownHost {
  readonly revoked: boolean;
  /** comma-separated patterns, or `|1|SALT|HASH` */
  readonly names: string;
  readonly type: string;
  readonly key: Buffer;
}

/** Lines that are no entry, and authorities' keys (which sign, and are no host's own), are passed over as ssh does. */
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

/** The name under which ssh keeps a host: `HOST`, and `[HOST]:PORT` where the port is not 22. */
export function hostEntryName(host: string, port: number): string {
  return port === 22 ? host.toLowerCase() : `[${host.toLowerCase()}]:${port}`;
}

/** The types of key that are on file for a host: the connection must ask for one of them. */
export function knownKeyTypes(hosts: readonly KnownHost[], name: string): string[] {
  return [...new Set(hosts.filter((h) => !h.revoked && matches(h.names, name)).map(({ type }) => type))];
}

export type KeyVerdict = 'known' | 'unknown' | 'changed' | 'revoked';

/** `changed`: the host is on file with other keys only, which is what an impostor looks like. */
export function judgeKey(hosts: readonly KnownHost[], name: string, key: Buffer): KeyVerdict {
  const own = hosts.filter((host) => matches(host.names, name));
  if (own.some((host) => host.revoked && host.key.equals(key))) return 'revoked';
  const trusted = own.filter((host) => !host.revoked);
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

/** The signature algorithms that use a type of key: an RSA key signs with SHA-2 nowadays. */
export function algorithmsFor(types: readonly string[]): string[] {
  return types.flatMap((type) => (type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa'] : [type]));
}
