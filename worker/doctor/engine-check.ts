/** Checks of the container engine: is one there, does it answer, and does a container of our own making really run. */
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
  readonly asked?: Engine['program'];
}

export async function checkEngine(options: EngineCheckOptions): Promise<Finding[]> {
  const { environment, asked } = options;
  const reasons: string[] = [];
  const found: Finding[] = [];
  let deaf: Finding | undefined;
  for (const program of asked === undefined ? (['podman', 'docker'] as const) : [asked]) {
    const engine: Engine = { program, environment };
    // As `run` looks for one: the first whose client answers is the one that a job gets.
    const client = await callEngine(engine, ['version', '--format', '{{.Client.Version}}']);
    if (client.status !== 0) {
      reasons.push(`${program}: ${failureReason(client)}`);
      // docker's client asks its daemon even for its own version.
      if (client.failure?.includes('ENOENT') !== true) deaf ??= deafEngine(engine, client, options);
      continue;
    }
    const runtime = await callEngine(engine, [
      'info',
      '--format',
      program === 'podman' ? podmanInfo : dockerInfo,
    ]);
    if (runtime.status !== 0) found.push(deafEngine(engine, runtime, options));
    else {
      found.push(ok('engine', `${program} ${client.stdout.trim()}, ${runtime.stdout.trim()}`));
      found.push(await checkContainer(engine, options));
    }
    return found;
  }
  const { system } = options;
  return [
    deaf ??
      problem(
        'engine',
        `no container engine answers: ${reasons.join('; ')}`,
        asked === 'docker'
          ? installCommand(system, 'docker.io')
          : installCommand(system, 'podman', 'uidmap', 'slirp4netns'),
      ),
    skipped('container', 'there is no engine to run one'),
  ];
}

const podmanInfo =
  'runtime {{.Host.OCIRuntime.Name}}, storage {{.Store.GraphDriverName}}, rootless {{.Host.Security.Rootless}}';
const dockerInfo = 'runtime {{.DefaultRuntime}}, storage {{.Driver}}';

/** The client is there, and what it talks to is not. */
function deafEngine({ program }: Engine, end: CommandResult, { system }: EngineCheckOptions): Finding {
  const reason = failureReason(end);
  const text = `${program} does not answer: ${reason}`;
  if (/permission denied/i.test(reason) && program === 'docker') {
    return problem('engine', text, `sudo usermod -aG docker ${system.user} && newgrp docker`);
  }
  if (program === 'docker') return problem('engine', text, `${system.sudoPrefix}systemctl start docker`);
  const runtime = /runtime|executable file|crun|runc/i.test(reason);
  return problem('engine', text, runtime ? installCommand(system, 'runc') : `${program} info`);
}

/** An image of the machine's own shell: no registry is asked, and what it takes to run a job is what is tried. */
async function checkContainer(engine: Engine, options: EngineCheckOptions): Promise<Finding> {
  const image = `localhost/soil-doctor-${randomBytes(4).toString('hex')}`;
  const folder = await mkdtemp(join(tmpdir(), 'soil-doctor-'));
  try {
    const tar = await makeShellTar(folder, options.environment);
    if (tar.status !== 0) return skipped('container', `no image can be made here: ${failureReason(tar)}`);
    const imported = await callEngine(engine, ['import', join(folder, 'image.tar'), image]);
    if (imported.status !== 0) return await explain('container', imported, engine, options);
    const run = ['run', '--rm', '--network', 'none', '--pull', 'never', '--entrypoint', '/bin/sh', image];
    const ran = await callEngine(engine, [...run, '-c', 'echo it runs']);
    if (ran.status === 0 && ran.stdout.trim() === 'it runs') {
      return ok('container', `${engine.program} runs a container`);
    }
    return await explain('container', ran, engine, options);
  } finally {
    await callEngine(engine, ['rmi', '--force', image]);
    await rm(folder, { recursive: true, force: true });
  }
}

/** `/bin/sh` with the libraries that ldd names. */
async function makeShellTar(folder: string, environment: Engine['environment']): Promise<CommandResult> {
  const root = join(folder, 'root');
  const options = { environment, timeoutSeconds: 60 };
  const listed = await runProcess('ldd', ['/bin/sh'], options);
  // A static shell has none, and ldd says so by its status.
  const libraries =
    listed.status === 0 ? [...listed.stdout.matchAll(/(\/\S+) \(0x/g)].map((m) => m[1] ?? '') : [];
  for (const file of ['/bin/sh', ...libraries]) {
    await mkdir(join(root, dirname(file)), { recursive: true });
    await copyFile(file, join(root, file));
  }
  for (const name of ['proc', 'dev', 'sys', 'tmp', 'etc']) await mkdir(join(root, name), { recursive: true });
  return runProcess('tar', ['-C', root, '-cf', join(folder, 'image.tar'), '.'], options);
}

/** What is known to keep containers from running, by the engine's own words. */
async function explain(
  check: 'container',
  end: CommandResult,
  engine: Engine,
  { system }: EngineCheckOptions,
): Promise<Finding> {
  const words = `${end.stderr}\n${end.failure ?? ''}`;
  const text = `${engine.program} cannot run a container: ${failureReason(end)}`;
  if (/rlimit/i.test(words) && engine.program === 'podman') {
    return problem(
      check,
      `${text} (podman raises limits that this process may not raise: it lacks CAP_SYS_RESOURCE)`,
      limitsMend(system),
    );
  }
  if (/crun|runc|runtime/i.test(words) && /not found|executable file|no such file/i.test(words)) {
    return problem(check, text, installCommand(system, 'runc'));
  }
  if (/cgroup/i.test(words) && engine.program === 'podman') {
    return problem(check, `${text} (cgroups here are ${system.cgroups})`, runtimeMend(system));
  }
  if (/newuidmap|newgidmap|subuid|insufficient uids/i.test(words)) {
    return problem(check, text, subidFix(system));
  }
  if (/user namespace|userns|clone|unshare/i.test(words) && (await areNamespacesDisabled())) {
    return problem(check, text, namespaceFix);
  }
  return problem(check, text, `${engine.program} --log-level debug info`);
}

/** Drop-in files: they change nothing that somebody has written elsewhere. */
const dropIn = ({ uid }: HostFacts): string =>
  uid === 0 ? '/etc/containers/containers.conf.d' : '"$HOME"/.config/containers/containers.conf.d';

const writeDropIn = (system: HostFacts, name: string, lines: readonly string[]): string => {
  const folder = dropIn(system);
  return `mkdir -p ${folder} && printf '%s\\n' ${lines.map((l) => `'${l}'`).join(' ')} >${folder}/${name}`;
};

/** Limits that the process has anyway, in place of those that podman would raise. */
function limitsMend(system: HostFacts): string {
  const files = Math.min(system.hardOpenFiles ?? 1_048_576, 1_048_576);
  // podman lowers its own to 32768 before it begins a container, whatever the hard limit is.
  const processes = Math.min(system.hardProcesses ?? 32_768, 32_768);
  const limits = `default_ulimits=["nofile=${files}:${files}","nproc=${processes}:${processes}"]`;
  return writeDropIn(system, 'soil-limits.conf', ['[containers]', limits]);
}

const runtimeMend = (system: HostFacts): string =>
  `${installCommand(system, 'runc')} && ${writeDropIn(system, 'soil-runtime.conf', ['[engine]', 'runtime="runc"'])}`;

export const subidFix = ({ user }: HostFacts): string =>
  `sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${user} && podman system migrate`;

export const namespaceFix =
  'sudo sysctl -w user.max_user_namespaces=28633 kernel.unprivileged_userns_clone=1 kernel.apparmor_restrict_unprivileged_userns=0';

/** Whether the machine lets no ordinary user make a user namespace. */
export async function areNamespacesDisabled(): Promise<boolean> {
  const settings: readonly (readonly [string, RegExp])[] = [
    ['/proc/sys/user/max_user_namespaces', /^0$/],
    ['/proc/sys/kernel/unprivileged_userns_clone', /^0$/],
    ['/proc/sys/kernel/apparmor_restrict_unprivileged_userns', /^1$/],
  ];
  const shut = await Promise.all(
    settings.map(async ([file, pattern]) =>
      pattern.test((await readFile(file, 'utf8').catch(() => '')).trim()),
    ),
  );
  return shut.includes(true);
}
