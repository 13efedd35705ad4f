/** Checks of what podman needs where an ordinary user runs it, and of the limits that every job meets. */
import { access, readFile } from 'node:fs/promises';
import { constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { release } from 'node:os';
import { problem, skipped, ok, type CheckId, type Finding } from './finding.js';
import { areNamespacesDisabled, namespaceFix, subidFix } from './engine-check.js';
import { installCommand, type HostFacts } from './host-facts.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** Fewer open files than this end a parallel build. */
const fewOpenFiles = 1024;
const fewProcesses = 512;

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
  const shown = `open files ${files ?? 'any'}, processes ${processes ?? 'any'}, pids ${pids ?? 'any'}`;
  const raise = (name: string, value: number): string =>
    `echo '${user} hard ${name} ${value}' | ${sudoPrefix}tee -a /etc/security/limits.d/soil.conf`;
  const limits =
    files !== undefined && files < fewOpenFiles
      ? problem('limits', `this process may open ${files} files only`, raise('nofile', 65_536))
      : processes !== undefined && processes < fewProcesses
        ? problem('limits', `this user may have ${processes} processes only`, raise('nproc', 4096))
        : pids !== undefined && pids < fewProcesses
          ? problem(
              'limits',
              `this cgroup may have ${pids} processes only`,
              `${sudoPrefix}systemctl set-property user-${system.uid}.slice TasksMax=4096`,
            )
          : ok(
              'limits',
              `${shown}${canRaiseLimits ? '' : '; none of them can be raised here (no CAP_SYS_RESOURCE)'}`,
            );
  return [limits, checkCgroups(cgroups, system.uid)];
}

function checkCgroups(cgroups: HostFacts['cgroups'], uid: number): Finding {
  const unified = `sudo grubby --update-kernel=ALL --args=systemd.unified_cgroup_hierarchy=1 || echo 'add systemd.unified_cgroup_hierarchy=1 to GRUB_CMDLINE_LINUX in /etc/default/grub, then: sudo update-grub'`;
  if (cgroups === 'v2') return ok('cgroups', 'cgroups are of version 2');
  const text = `cgroups are ${cgroups === 'none' ? 'not mounted' : cgroups}`;
  // Root's podman works with them; an ordinary user's sets no limits, and podman 5 refuses to.
  if (uid === 0) return ok('cgroups', `${text}, which root's engine can work with`);
  return problem('cgroups', `${text}: a rootless container can have no limits`, unified);
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

export async function checkRootless(
  system: HostFacts,
  environment: Environment,
  engine: 'podman' | 'docker' | undefined,
): Promise<Finding[]> {
  if (system.uid === 0) return rootlessChecks.map((id) => skipped(id, 'root needs none'));
  if (engine === 'docker') return rootlessChecks.map((id) => skipped(id, 'docker has a daemon for that'));
  const has = (program: string): Promise<boolean> => isInPath(program, environment);
  return [
    (await areNamespacesDisabled())
      ? problem('user-namespaces', 'this machine lets no ordinary user make a user namespace', namespaceFix)
      : ok('user-namespaces', 'ordinary users may make user namespaces'),
    await checkSubids(system),
    (await has('newuidmap')) && (await has('newgidmap'))
      ? ok('newuidmap', 'newuidmap and newgidmap are there')
      : problem('newuidmap', 'newuidmap or newgidmap is missing', installCommand(system, 'uidmap')),
    (await has('pasta')) || (await has('slirp4netns'))
      ? ok('rootless-network', 'pasta or slirp4netns is there')
      : problem(
          'rootless-network',
          'neither pasta nor slirp4netns is there: no container reaches the network',
          installCommand(system, 'slirp4netns'),
        ),
    hasRootlessOverlay(release()) || (await has('fuse-overlayfs'))
      ? ok('rootless-storage', 'images need not be copied for each container')
      : problem(
          'rootless-storage',
          'this kernel has no overlay for ordinary users, and fuse-overlayfs is missing: each container copies its image',
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
    : problem('subuid', `${system.user} has no line in /etc/${without.join(' and /etc/')}`, subidFix(system));
}

/** A range for the user, by name or number, of at least 65536: an image's user `nobody` is 65534. */
function hasSubids(text: string, { user, uid }: Pick<HostFacts, 'user' | 'uid'>): boolean {
  return text.split('\n').some((line) => {
    const [name = '', , count = ''] = line.split(':');
    return (name === user || name === String(uid)) && Number(count) >= 65_536;
  });
}

/** Since Linux 5.11 an ordinary user may mount overlay. */
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
