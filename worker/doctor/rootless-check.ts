/** Checks what podman needs to run without root, and the resource limits that apply to every job. */
import { access, readFile } from 'node:fs/promises';
import { constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { release } from 'node:os';
import { problem, skipped, ok, type CheckId, type Finding } from './finding.js';
import { areNamespacesDisabled, namespaceFix, subidFix } from './engine-check.js';
import { installCommand, type HostFacts } from './host-facts.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** Parallel builds fail with fewer open files than this. */
const minOpenFiles = 1024;
const minProcesses = 512;

/** Checks the limits for open files and processes, and the version of cgroups. */
export async function checkLimits(system: HostFacts): Promise<Finding[]> {
  const {
    hardOpenFiles: files,
    hardProcesses: processes,
    cgroups,
    canRaiseLimits,
    user,
    sudoPrefix,
  } = system;
  const pids = await readPidsLimit();
  const shown = `open files ${files ?? 'unlimited'}, processes ${processes ?? 'unlimited'}, pids ${pids ?? 'unlimited'}`;
  const raise = (name: string, value: number): string =>
    `echo '${user} hard ${name} ${value}' | ${sudoPrefix}tee -a /etc/security/limits.d/soil.conf`;
  const limits =
    files !== undefined && files < minOpenFiles
      ? problem('limits', `this process can open only ${files} files`, raise('nofile', 65_536))
      : processes !== undefined && processes < minProcesses
        ? problem('limits', `this user can have only ${processes} processes`, raise('nproc', 4096))
        : pids !== undefined && pids < minProcesses
          ? problem(
              'limits',
              `this cgroup can have only ${pids} processes`,
              `${sudoPrefix}systemctl set-property user-${system.uid}.slice TasksMax=4096`,
            )
          : ok(
              'limits',
              `${shown}${canRaiseLimits ? '' : '; this process cannot raise them (no CAP_SYS_RESOURCE)'}`,
            );
  return [limits, checkCgroups(cgroups, system.uid)];
}

function checkCgroups(cgroups: HostFacts['cgroups'], uid: number): Finding {
  const bootFlag = `sudo grubby --update-kernel=ALL --args=systemd.unified_cgroup_hierarchy=1 || echo 'add systemd.unified_cgroup_hierarchy=1 to GRUB_CMDLINE_LINUX in /etc/default/grub, then: sudo update-grub'`;
  if (cgroups === 'v2') return ok('cgroups', 'cgroups version 2');
  const text = cgroups === 'none' ? 'cgroups are not mounted' : `cgroups are ${cgroups}, not v2`;
  // podman works with them as root. Without root it cannot set limits, and podman 5 fails.
  if (uid === 0) return ok('cgroups', `${text}; enough for an engine that runs as root`);
  return problem('cgroups', `${text}: rootless containers cannot have resource limits`, bootFlag);
}

async function readPidsLimit(): Promise<number | undefined> {
  const own = await readFile('/proc/self/cgroup', 'utf8').catch(() => '');
  const [, v2] = /^0::(.*)$/m.exec(own) ?? [];
  const [, v1] = /^\d+:pids:(.*)$/m.exec(own) ?? [];
  for (const file of [
    ...(v2 === undefined ? [] : [`/sys/fs/cgroup${v2}/pids.max`]),
    ...(v1 === undefined ? [] : [`/sys/fs/cgroup/pids${v1}/pids.max`]),
  ]) {
    const text = (await readFile(file, 'utf8').catch(() => '')).trim();
    if (/^\d+$/.test(text)) return Number(text);
  }
  return undefined;
}

const rootlessChecks: readonly CheckId[] = [
  'user-namespaces',
  'subuid',
  'newuidmap',
  'rootless-network',
  'rootless-storage',
];

/** Checks the prerequisites of rootless podman. Skips them for root and for docker. */
export async function checkRootless(
  system: HostFacts,
  environment: Environment,
  engine: 'podman' | 'docker' | undefined,
): Promise<Finding[]> {
  if (system.uid === 0) return rootlessChecks.map((id) => skipped(id, 'not needed by root'));
  if (engine === 'docker') return rootlessChecks.map((id) => skipped(id, 'not needed by docker'));
  const has = (program: string): Promise<boolean> => isInPath(program, environment);
  return [
    (await areNamespacesDisabled())
      ? problem(
          'user-namespaces',
          'this machine does not let ordinary users create user namespaces',
          namespaceFix,
        )
      : ok('user-namespaces', 'ordinary users can create user namespaces'),
    await checkSubids(system),
    (await has('newuidmap')) && (await has('newgidmap'))
      ? ok('newuidmap', 'newuidmap and newgidmap are installed')
      : problem('newuidmap', 'newuidmap or newgidmap is missing', installCommand(system, 'uidmap')),
    (await has('pasta')) || (await has('slirp4netns'))
      ? ok('rootless-network', 'pasta or slirp4netns is installed')
      : problem(
          'rootless-network',
          'pasta and slirp4netns are missing: rootless containers have no network',
          installCommand(system, 'slirp4netns'),
        ),
    hasRootlessOverlay(release()) || (await has('fuse-overlayfs'))
      ? ok('rootless-storage', 'containers share the files of their image')
      : problem(
          'rootless-storage',
          'this kernel has no overlay mounts for ordinary users and fuse-overlayfs is missing: each container copies its image',
          installCommand(system, 'fuse-overlayfs'),
        ),
  ];
}

async function checkSubids(system: HostFacts): Promise<Finding> {
  const files = await Promise.all(
    ['/etc/subuid', '/etc/subgid'].map((file) => readFile(file, 'utf8').catch(() => '')),
  );
  const without = ['subuid', 'subgid'].filter((_, i) => !hasSubids(files[i] ?? '', system));
  return without.length === 0
    ? ok('subuid', `${system.user} has subordinate user and group ids`)
    : problem(
        'subuid',
        `${system.user} has no subordinate ids in /etc/${without.join(' and /etc/')}`,
        subidFix(system),
      );
}

/** Reports whether the user has a range of at least 65536 ids: the user `nobody` of an image is 65534. */
function hasSubids(text: string, { user, uid }: Pick<HostFacts, 'user' | 'uid'>): boolean {
  return text.split('\n').some((line) => {
    const [name = '', , count = ''] = line.split(':');
    return (name === user || name === String(uid)) && Number(count) >= 65_536;
  });
}

/** Reports whether ordinary users can mount overlay file systems: since Linux 5.11. */
function hasRootlessOverlay(kernel: string): boolean {
  const [major = 0, minor = 0] = kernel.split('.').map((part) => Number.parseInt(part, 10));
  return major > 5 || (major === 5 && minor >= 11);
}

async function isInPath(program: string, { PATH = '' }: Environment): Promise<boolean> {
  for (const folder of PATH.split(delimiter).filter((f) => f !== '')) {
    const found = await access(join(folder, program), constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return true;
  }
  return false;
}
