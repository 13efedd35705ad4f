/** Starts real container engines for tests: podman with its own store or a separate dockerd, each with a small image. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, chmod, cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { must, run } from './command.js';

export interface TestEngine {
  /** undefined on the raw machine */
  readonly engine: 'podman' | 'docker' | undefined;
  /** environment variables for clients of the engine */
  readonly environment: Readonly<Record<string, string>>;
  /** the value of `image` in soil.yml: a static busybox, or `none` */
  readonly image: string;
  /** names of all containers, running or not */
  readonly containers: () => Promise<readonly string[]>;
  /** stops the engine's daemon and starts it again after `between`; podman has no daemon */
  readonly restart?: (between?: () => Promise<void>) => Promise<void>;
  readonly close: () => Promise<void>;
}

export const testImage = 'localhost/soil-test-busybox';

/** An engine that does not start fails the test; no test is skipped. */
export function openEngine(kind: 'podman' | 'docker' | 'raw'): Promise<TestEngine> {
  switch (kind) {
    case 'podman':
      return openPodman();
    case 'docker':
      return openDocker();
    case 'raw':
      return Promise.resolve({
        engine: undefined,
        environment: {},
        image: 'none',
        containers: () => Promise.resolve([]),
        close: () => Promise.resolve(),
      });
  }
}

/** Makes the tar of a root file system with one program: a static busybox under the names of its applets. */
export async function busyboxTar(folder: string): Promise<string> {
  const root = join(folder, 'busybox');
  await mkdir(join(root, 'bin'), { recursive: true });
  for (const name of ['tmp', 'etc', 'proc', 'dev', 'sys']) await mkdir(join(root, name));
  await cp('/bin/busybox', join(root, 'bin', 'busybox'), { dereference: true });
  const applets = (await must('/bin/busybox', ['--list'])).trim().split('\n');
  for (const applet of applets.filter((a) => a !== 'busybox'))
    await symlink('busybox', join(root, 'bin', applet));
  await writeFile(join(root, 'etc', 'passwd'), 'root:x:0:0:root:/:/bin/sh\n');
  const tar = join(folder, 'busybox.tar');
  await must('tar', ['-C', root, '--numeric-owner', '--owner=0', '--group=0', '-cf', tar, '.']);
  return tar;
}

const containersOf =
  (engine: 'podman' | 'docker', environment: Readonly<Record<string, string>>) => async () => {
    const names = await must(engine, ['ps', '--all', '--format', '{{.Names}}'], { env: environment });
    return names.split('\n').filter((name) => name !== '');
  };

async function openPodman(): Promise<TestEngine> {
  const folder = await mkdtemp(join(tmpdir(), 'soil-podman-'));
  const [storage, config] = [join(folder, 'storage.conf'), join(folder, 'containers.conf')];
  await writeFile(
    storage,
    `[storage]\ndriver="overlay"\ngraphroot="${folder}/graph"\nrunroot="${folder}/run"\n`,
  );
  // A separate store is not enough: all stores of a user share running containers and locks by default, so that a
  // reset of one store would break the others.
  const own = `[engine]\ntmp_dir="${folder}/tmp"\nlock_type="file"\n`;
  await writeFile(config, own);
  const environment = { CONTAINERS_STORAGE_CONF: storage, CONTAINERS_CONF: config };
  const close = async () => {
    await run('podman', ['rm', '--all', '--force', '--time', '0'], { env: environment });
    await run('podman', ['system', 'reset', '--force'], { env: environment });
    await rm(folder, { recursive: true, force: true });
  };
  await must('podman', ['import', await busyboxTar(folder), testImage], { env: environment });
  const probe = () =>
    run('podman', ['run', '--rm', '--network=none', testImage, 'true'], { env: environment });
  const plain = await probe();
  if (plain.status !== 0) {
    // Some machines cannot raise limits, which podman does by default.
    const limits = 'default_ulimits=["nofile=1024:1024","nproc=1024:1024"]';
    await writeFile(config, `${own}runtime="runc"\n[containers]\n${limits}\n`);
    const limited = await probe();
    if (limited.status !== 0) {
      await close();
      throw new Error(`podman cannot run a container:\n${plain.stderr}\n${limited.stderr}`);
    }
  }
  return {
    engine: 'podman',
    environment,
    image: testImage,
    containers: containersOf('podman', environment),
    close,
  };
}

/** Starts a separate dockerd without a bridge, so that the machine's network stays as it is. `group` may use it too. */
export async function openDocker({ group }: { readonly group?: number } = {}): Promise<TestEngine> {
  const folder = await mkdtemp(join(tmpdir(), 'soil-docker-'));
  if (group !== undefined) await chmod(folder, 0o711);
  const socket = `unix://${folder}/docker.sock`;
  const environment = { DOCKER_HOST: socket, DOCKER_CONFIG: join(folder, 'config') };
  let log = '';
  const start = async () => {
    const daemon = spawn(
      'dockerd',
      [
        ...['--bridge=none', '--iptables=false', '--ip6tables=false', '--host', socket],
        ...['--data-root', join(folder, 'data'), '--exec-root', join(folder, 'exec')],
        ...['--pidfile', join(folder, 'pid'), '--log-level', 'error'],
        ...(group === undefined ? [] : ['--group', String(group)]),
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    daemon.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
    const failed = new Promise<never>((_, reject) => {
      daemon.on('error', reject);
      daemon.on('exit', (code) => {
        reject(new Error(`dockerd ended with ${String(code)}\n${log}`));
      });
    });
    failed.catch(() => undefined);
    const end = async () => {
      const ended = daemon.exitCode === null ? once(daemon, 'exit') : undefined;
      daemon.kill('SIGTERM');
      await ended;
    };
    try {
      await Promise.race([answers(environment, join(folder, 'docker.sock')), failed]);
    } catch (error) {
      await end();
      throw error;
    }
    return { end };
  };
  let daemon = await start();
  const close = async () => {
    await run('sh', ['-c', 'docker ps --all --quiet | xargs -r docker rm --force'], { env: environment });
    await daemon.end();
    // If mounts are private, as in a container, dockerd mounts the folder on itself and does not unmount it.
    await run('umount', [join(folder, 'data')]);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await must('docker', ['import', await busyboxTar(folder), testImage], { env: environment });
  } catch (error) {
    await close();
    throw error;
  }
  return {
    engine: 'docker',
    environment,
    image: testImage,
    containers: containersOf('docker', environment),
    restart: async (between) => {
      await daemon.end();
      await between?.();
      daemon = await start();
    },
    close,
  };
}

async function answers(environment: Readonly<Record<string, string>>, socket: string): Promise<void> {
  for (const deadline = Date.now() + 60_000; ;) {
    const there = await access(socket).then(
      () => true,
      () => false,
    );
    if (there && (await run('docker', ['version'], { env: environment })).status === 0) return;
    if (Date.now() > deadline) throw new Error('dockerd did not answer within 60 s');
    await setTimeout(50);
  }
}
