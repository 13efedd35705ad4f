/** Starts podman without root for an ordinary user, as on a workstation or a shared machine. */
import { chown, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { must, repoRoot, run } from './command.js';
import { busyboxTar, testImage, type TestEngine } from './engines.js';

export interface RootlessEngine extends TestEngine {
  readonly user: { readonly uid: number; readonly gid: number };
  /** path of the worker that this user can read */
  readonly worker: string;
}

/** The tests create this user when they run as root. */
const userName = 'soiltest';

export async function openRootless(): Promise<RootlessEngine> {
  const user = await ensureOrdinaryUser();
  const folder = await mkdtemp(join(tmpdir(), 'soil-rootless-'));
  const own = async (path: string): Promise<void> => {
    await mkdir(path, { mode: 0o700 });
    await chown(path, user.uid, user.gid);
  };
  for (const name of ['home', 'run']) await own(join(folder, name));
  await chown(folder, user.uid, user.gid);
  const storage = join(folder, 'storage.conf');
  await writeFile(
    storage,
    `[storage]\ndriver="vfs"\ngraphroot="${folder}/home/graph"\nrunroot="${folder}/run/podman"\n`,
  );
  const environment = {
    HOME: join(folder, 'home'),
    XDG_STATE_HOME: join(folder, 'home/state'),
    XDG_RUNTIME_DIR: join(folder, 'run'),
    CONTAINERS_STORAGE_CONF: storage,
    CONTAINERS_CONF: join(folder, 'containers.conf'),
  };
  // Without a systemd session there are no cgroups, some machines cannot raise limits, and all stores share locks in memory.
  await writeFile(
    environment.CONTAINERS_CONF,
    '[containers]\ndefault_ulimits=["nofile=1024:1024","nproc=1024:1024"]\n' +
      '[engine]\nruntime="runc"\ncgroup_manager="cgroupfs"\nevents_logger="file"\nlock_type="file"\n',
  );
  const options = { env: environment, cwd: folder, as: user };
  const close = async (): Promise<void> => {
    await run('podman', ['rm', '--all', '--force', '--time', '0'], options);
    await run('podman', ['unshare', 'rm', '-rf', join(folder, 'home')], options);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const tar = await busyboxTar(folder);
    await must('podman', ['import', tar, testImage], options);
    return {
      ...{ engine: 'podman', environment, image: testImage, user, close },
      worker: await copyWorker(join(folder, 'soil')),
      containers: async () => {
        const names = await must('podman', ['ps', '--all', '--format', '{{.Names}}'], options);
        return names.split('\n').filter((name) => name !== '');
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Returns this process's user or, for root, a user created for the tests, with a range of subordinate ids. */
export async function ensureOrdinaryUser(): Promise<RootlessEngine['user']> {
  const [uid = 0, gid = 0] = [process.getuid?.(), process.getgid?.()];
  if (uid !== 0) return { uid, gid };
  const isThere = (await run('id', [userName])).status === 0;
  if (!isThere) await must('useradd', ['--create-home', '--shell', '/bin/sh', userName]);
  const ranges = await readFile('/etc/subuid', 'utf8').catch(() => '');
  if (!ranges.includes(`${userName}:`)) {
    await must('usermod', ['--add-subuids', '400000-465535', '--add-subgids', '400000-465535', userName]);
  }
  const [made, group] = await Promise.all(['-u', '-g'].map((flag) => must('id', [flag, userName])));
  return { uid: Number(made), gid: Number(group) };
}

/** Copies the built worker and its packages, since the repository may be unreadable for that user. */
export async function copyWorker(folder: string): Promise<string> {
  const packages = await must('npm', ['ls', '--omit=dev', '--all', '--parseable'], { cwd: repoRoot });
  const paths = packages.trim().split('\n').slice(1);
  const names = [
    'dist',
    'shims',
    'templates',
    'package.json',
    ...paths.map((path) => relative(repoRoot, path)),
  ];
  for (const name of new Set(names)) {
    await cp(join(repoRoot, name), join(folder, name), { recursive: true, force: true });
  }
  await must('chmod', ['-R', 'go+rX', folder]);
  return join(folder, 'dist', 'worker', 'main.js');
}
