/** Reads the facts about this machine that `soil-worker doctor` checks, from /proc and /etc. */
import { readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';

export interface HostFacts {
  readonly user: string;
  readonly uid: number;
  readonly home: string;
  /** the command that installs packages: `apt-get install -y` */
  readonly installer: string;
  /** `sudo `, or empty for root */
  readonly sudoPrefix: string;
  readonly hardOpenFiles?: number;
  readonly hardProcesses?: number;
  /** whether this process has CAP_SYS_RESOURCE */
  readonly canRaiseLimits: boolean;
  readonly cgroups: 'v2' | 'hybrid' | 'v1' | 'none';
}

const read = (file: string): Promise<string> => readFile(file, 'utf8').catch(() => '');

/** Reads the facts. Missing files count as empty. */
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
    ...{ user: username, uid, home: homedir, installer: findInstaller(release) },
    sudoPrefix: uid === 0 ? '' : 'sudo ',
    ...(files !== undefined && { hardOpenFiles: files }),
    ...(processes !== undefined && { hardProcesses: processes }),
    canRaiseLimits: hasSysResource(status),
    cgroups: parseCgroups(mounts),
  };
}

/** Parses a hard limit of /proc/PID/limits. Returns undefined for an unlimited one. */
function parseHardLimit(limits: string, name: string): number | undefined {
  const line = limits.split('\n').find((l) => l.startsWith(name)) ?? '';
  const [, hard = ''] = line.slice(name.length).trim().split(/ +/);
  return /^\d+$/.test(hard) ? Number(hard) : undefined;
}

/** Bit 24 of the effective capabilities is CAP_SYS_RESOURCE (capabilities(7)). */
function hasSysResource(status: string): boolean {
  const [, bits = '0'] = /^CapEff:\s*([0-9a-f]+)$/m.exec(status) ?? [];
  return ((BigInt(`0x${bits}`) >> 24n) & 1n) === 1n;
}

/** Parses /proc/PID/mounts. `hybrid` is a version 1 hierarchy with an empty version 2 tree beside it. */
function parseCgroups(mounts: string): HostFacts['cgroups'] {
  const typeByPath = new Map(
    mounts.split('\n').map((line) => {
      const [, path = '', type = ''] = line.split(' ');
      return [path, type];
    }),
  );
  const types = [...typeByPath.values()];
  if (typeByPath.get('/sys/fs/cgroup') === 'cgroup2') return 'v2';
  if (!types.includes('cgroup')) return types.includes('cgroup2') ? 'v2' : 'none';
  return types.includes('cgroup2') ? 'hybrid' : 'v1';
}

/** Finds the install command by ID and ID_LIKE of os-release(5). Falls back to Debian's. */
function findInstaller(release: string): string {
  const ids = [...release.matchAll(/^ID(?:_LIKE)?="?([^"\n]*)"?$/gm)].flatMap((m) => m[1]?.split(' ') ?? []);
  const installers: Readonly<Record<string, string>> = {
    ...{ debian: 'apt-get install -y', ubuntu: 'apt-get install -y', alpine: 'apk add', arch: 'pacman -S' },
    ...{ fedora: 'dnf install -y', rhel: 'dnf install -y', suse: 'zypper install', nixos: 'nix-env -iA' },
  };
  return ids.map((id) => installers[id]).find((found) => found !== undefined) ?? 'apt-get install -y';
}

/** Returns the shell command that installs packages on this machine. */
export const installCommand = (
  { sudoPrefix, installer }: HostFacts,
  ...packages: readonly string[]
): string => `${sudoPrefix}${installer} ${packages.join(' ')}`;
