/** What the machine says of itself in /proc and /etc, for the checks of `soil-worker doctor`; text in, facts out. */
import { readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';

export interface HostFacts {
  readonly user: string;
  readonly uid: number;
  readonly home: string;
  /** how this system installs a package: `apt-get install -y` */
  readonly installer: string;
  /** in front of a command that only root may give */
  readonly sudoPrefix: string;
  readonly hardOpenFiles?: number;
  readonly hardProcesses?: number;
  /** CAP_SYS_RESOURCE: may raise limits */
  readonly canRaiseLimits: boolean;
  readonly cgroups: 'v2' | 'hybrid' | 'v1' | 'none';
}

const read = (file: string): Promise<string> => readFile(file, 'utf8').catch(() => '');

export async function readHostFacts(): Promise<HostFacts> {
  const { username, uid, homedir } = userInfo();
  const [limits, status, mounts, release] = await Promise.all([
    read('/proc/self/limits'),
    read('/proc/self/status'),
    read('/proc/self/mounts'),
    read('/etc/os-release'),
  ]);
  const files = parseHardLimit(limits, 'Max open files');
  const processes = parseHardLimit(limits, 'Max processes');
  return {
    ...{ user: username, uid, home: homedir, installer: planInstaller(release) },
    sudoPrefix: uid === 0 ? '' : 'sudo ',
    ...(files !== undefined && { hardOpenFiles: files }),
    ...(processes !== undefined && { hardProcesses: processes }),
    canRaiseLimits: mayRaise(status),
    cgroups: parseCgroups(mounts),
  };
}

/** A hard limit of /proc/PID/limits; undefined where there is none. */
function parseHardLimit(limits: string, name: string): number | undefined {
  const line = limits.split('\n').find((l) => l.startsWith(name)) ?? '';
  const [, hard = ''] = line.slice(name.length).trim().split(/ +/);
  return /^\d+$/.test(hard) ? Number(hard) : undefined;
}

/** Bit 24 of the effective capabilities is CAP_SYS_RESOURCE (capabilities(7)). */
function mayRaise(status: string): boolean {
  const [, bits = '0'] = /^CapEff:\s*([0-9a-f]+)$/m.exec(status) ?? [];
  return ((BigInt(`0x${bits}`) >> 24n) & 1n) === 1n;
}

/** hybrid: controllers of version 1, with an empty tree of version 2 beside them. */
function parseCgroups(mounts: string): HostFacts['cgroups'] {
  const places = new Map(
    mounts.split('\n').map((line) => {
      const [, place = '', type = ''] = line.split(' ');
      return [place, type];
    }),
  );
  const types = [...places.values()];
  if (places.get('/sys/fs/cgroup') === 'cgroup2') return 'v2';
  if (!types.includes('cgroup')) return types.includes('cgroup2') ? 'v2' : 'none';
  return types.includes('cgroup2') ? 'hybrid' : 'v1';
}

/** By ID and ID_LIKE of os-release(5); Debian's where it is unknown. */
function planInstaller(release: string): string {
  const words = [...release.matchAll(/^ID(?:_LIKE)?="?([^"\n]*)"?$/gm)].flatMap(
    (m) => m[1]?.split(' ') ?? [],
  );
  const of: Readonly<Record<string, string>> = {
    ...{ debian: 'apt-get install -y', ubuntu: 'apt-get install -y', alpine: 'apk add', arch: 'pacman -S' },
    ...{ fedora: 'dnf install -y', rhel: 'dnf install -y', suse: 'zypper install', nixos: 'nix-env -iA' },
  };
  return words.map((word) => of[word]).find((found) => found !== undefined) ?? 'apt-get install -y';
}

export const installCommand = (
  { sudoPrefix, installer }: HostFacts,
  ...packages: readonly string[]
): string => `${sudoPrefix}${installer} ${packages.join(' ')}`;
