/** Checks that a container engine is installed and responds, and that it can run a container. */
import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { failureReason, runProcess, type CommandResult } from '../system/run-process.js';
import { callEngine, type Engine } from '../engine/engine.js';
import { problem, skipped, ok, type Finding } from './finding.js';
import { installCommand, type HostFacts } from './host-facts.js';

export interface EngineCheckOptions {
  readonly environment: Engine['environment'];
  readonly system: HostFacts;
  readonly requested?: Engine['program'];
}

/** Checks the requested engine, or the first of podman and docker that responds, and runs a container. */
export async function checkEngine(options: EngineCheckOptions): Promise<Finding[]> {
  const { environment, requested } = options;
  const reasons: string[] = [];
  const found: Finding[] = [];
  let unresponsive: Finding | undefined;
  for (const program of requested === undefined ? (['podman', 'docker'] as const) : [requested]) {
    const engine: Engine = { program, environment };
    // `run` also takes the first engine whose client responds.
    const client = await callEngine(engine, ['version', '--format', '{{.Client.Version}}']);
    if (client.status !== 0) {
      reasons.push(`${program}: ${failureReason(client)}`);
      // docker's client needs its daemon even to print its own version.
      if (client.failure?.includes('ENOENT') !== true)
        unresponsive ??= explainNoResponse(engine, client, options);
      continue;
    }
    const runtime = await callEngine(engine, [
      'info',
      '--format',
      program === 'podman' ? podmanInfo : dockerInfo,
    ]);
    if (runtime.status !== 0) found.push(explainNoResponse(engine, runtime, options));
    else {
      found.push(ok('engine', `${program} ${client.stdout.trim()}, ${runtime.stdout.trim()}`));
      found.push(await checkContainer(engine, options));
    }
    return found;
  }
  const { system } = options;
  return [
    unresponsive ??
      problem(
        'engine',
        `no container engine found: ${reasons.join('; ')}`,
        requested === 'docker'
          ? installCommand(system, 'docker.io')
          : installCommand(system, 'podman', 'uidmap', 'slirp4netns'),
      ),
    skipped('container', 'no container engine'),
  ];
}

const podmanInfo =
  'runtime {{.Host.OCIRuntime.Name}}, storage {{.Store.GraphDriverName}}, rootless {{.Host.Security.Rootless}}';
const dockerInfo = 'runtime {{.DefaultRuntime}}, storage {{.Driver}}';

/** Explains why an installed engine does not respond. */
function explainNoResponse({ program }: Engine, end: CommandResult, { system }: EngineCheckOptions): Finding {
  const reason = failureReason(end);
  const text = `${program} does not answer: ${reason}`;
  if (/permission denied/i.test(reason) && program === 'docker') {
    return problem('engine', text, `sudo usermod -aG docker ${system.user} && newgrp docker`);
  }
  if (program === 'docker') return problem('engine', text, `${system.sudoPrefix}systemctl start docker`);
  const runtime = /runtime|executable file|crun|runc/i.test(reason);
  return problem('engine', text, runtime ? installCommand(system, 'runc') : `${program} info`);
}

/** Runs a container from an image made of this machine's own shell, so that no registry is needed. */
async function checkContainer(engine: Engine, options: EngineCheckOptions): Promise<Finding> {
  const image = `localhost/soil-doctor-${randomBytes(4).toString('hex')}`;
  const folder = await mkdtemp(join(tmpdir(), 'soil-doctor-'));
  try {
    const tar = await createShellTar(folder, options.environment);
    if (tar.status !== 0) return skipped('container', `cannot create a test image: ${failureReason(tar)}`);
    const imported = await callEngine(engine, ['import', join(folder, 'image.tar'), image]);
    if (imported.status !== 0) return await explain('container', imported, engine, options);
    const run = ['run', '--rm', '--network', 'none', '--pull', 'never', '--entrypoint', '/bin/sh', image];
    const ran = await callEngine(engine, [...run, '-c', 'echo hello']);
    if (ran.status === 0 && ran.stdout.trim() === 'hello') {
      return ok('container', `${engine.program} can run a container`);
    }
    return await explain('container', ran, engine, options);
  } finally {
    await callEngine(engine, ['rmi', '--force', image]);
    await rm(folder, { recursive: true, force: true });
  }
}

/** Packs /bin/sh and the libraries that ldd lists. */
async function createShellTar(folder: string, environment: Engine['environment']): Promise<CommandResult> {
  const root = join(folder, 'root');
  const options = { environment, timeoutSeconds: 60 };
  const listed = await runProcess('ldd', ['/bin/sh'], options);
  // ldd fails for a statically linked shell.
  const libraries =
    listed.status === 0 ? [...listed.stdout.matchAll(/(\/\S+) \(0x/g)].map((m) => m[1] ?? '') : [];
  for (const file of ['/bin/sh', ...libraries]) {
    await mkdir(join(root, dirname(file)), { recursive: true });
    await copyFile(file, join(root, file));
  }
  for (const name of ['proc', 'dev', 'sys', 'tmp', 'etc']) await mkdir(join(root, name), { recursive: true });
  return runProcess('tar', ['-C', root, '-cf', join(folder, 'image.tar'), '.'], options);
}

/** Returns the problem, with a fix if the engine's output has a known cause. */
async function explain(
  check: 'container',
  end: CommandResult,
  engine: Engine,
  { system }: EngineCheckOptions,
): Promise<Finding> {
  const output = `${end.stderr}\n${end.failure ?? ''}`;
  const text = `${engine.program} cannot run a container: ${failureReason(end)}`;
  if (/rlimit/i.test(output) && engine.program === 'podman') {
    return problem(
      check,
      `${text} (podman raises resource limits, but this process lacks CAP_SYS_RESOURCE)`,
      limitsFix(system),
    );
  }
  if (/crun|runc|runtime/i.test(output) && /not found|executable file|no such file/i.test(output)) {
    return problem(check, text, installCommand(system, 'runc'));
  }
  if (/cgroup/i.test(output) && engine.program === 'podman') {
    return problem(check, `${text} (cgroups on this machine: ${system.cgroups})`, runtimeFix(system));
  }
  if (/newuidmap|newgidmap|subuid|insufficient uids/i.test(output)) {
    return problem(check, text, subidFix(system));
  }
  if (/user namespace|userns|clone|unshare/i.test(output) && (await areNamespacesDisabled())) {
    return problem(check, text, namespaceFix);
  }
  return problem(check, text, `${engine.program} --log-level debug info`);
}

/** Returns the folder for drop-in files, so that no existing configuration file is changed. */
const dropInFolder = ({ uid }: HostFacts): string =>
  uid === 0 ? '/etc/containers/containers.conf.d' : '"$HOME"/.config/containers/containers.conf.d';

const writeDropIn = (system: HostFacts, name: string, lines: readonly string[]): string => {
  const folder = dropInFolder(system);
  return `mkdir -p ${folder} && printf '%s\\n' ${lines.map((l) => `'${l}'`).join(' ')} >${folder}/${name}`;
};

/** Returns a command that configures the limits of this process, so that podman does not try to raise them. */
function limitsFix(system: HostFacts): string {
  const files = Math.min(system.hardOpenFiles ?? 1_048_576, 1_048_576);
  // podman lowers its own limit to 32768 before it starts a container, regardless of the hard limit.
  const processes = Math.min(system.hardProcesses ?? 32_768, 32_768);
  const limits = `default_ulimits=["nofile=${files}:${files}","nproc=${processes}:${processes}"]`;
  return writeDropIn(system, 'soil-limits.conf', ['[containers]', limits]);
}

const runtimeFix = (system: HostFacts): string =>
  `${installCommand(system, 'runc')} && ${writeDropIn(system, 'soil-runtime.conf', ['[engine]', 'runtime="runc"'])}`;

export const subidFix = ({ user }: HostFacts): string =>
  `sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${user} && podman system migrate`;

export const namespaceFix =
  'sudo sysctl -w user.max_user_namespaces=28633 kernel.unprivileged_userns_clone=1 kernel.apparmor_restrict_unprivileged_userns=0';

/** Reports whether this machine prevents ordinary users from creating user namespaces. */
export async function areNamespacesDisabled(): Promise<boolean> {
  const settings: readonly (readonly [string, RegExp])[] = [
    ['/proc/sys/user/max_user_namespaces', /^0$/],
    ['/proc/sys/kernel/unprivileged_userns_clone', /^0$/],
    ['/proc/sys/kernel/apparmor_restrict_unprivileged_userns', /^1$/],
  ];
  const matches = await Promise.all(
    settings.map(async ([file, pattern]) =>
      pattern.test((await readFile(file, 'utf8').catch(() => '')).trim()),
    ),
  );
  return matches.includes(true);
}
