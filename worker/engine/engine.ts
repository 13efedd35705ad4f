/** Finds podman or docker, calls it, and removes containers. */
import { setTimeout as wait } from 'node:timers/promises';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { failureReason, runProcess, type CommandResult } from '../system/run-process.js';

export interface Engine {
  readonly program: 'podman' | 'docker';
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Runs the engine's client. The time limit is 60 s by default. */
export function callEngine(
  engine: Engine,
  args: readonly string[],
  options: { readonly timeoutSeconds?: number; readonly cancel?: AbortSignal } = {},
): Promise<CommandResult> {
  return runProcess(engine.program, args, {
    environment: engine.environment,
    timeoutSeconds: options.timeoutSeconds ?? 60,
    ...(options.cancel === undefined ? {} : { cancel: options.cancel }),
  });
}

/** Returns the programs to try, in order. */
export const enginePrograms = (requested?: Engine['program']): readonly Engine['program'][] =>
  requested === undefined ? ['podman', 'docker'] : [requested];

/** Returns the requested engine, or the first one that works: podman, then docker. */
export async function findEngine(
  environment: Engine['environment'],
  requested?: Engine['program'],
): Promise<Result<Engine>> {
  const reasons: string[] = [];
  for (const program of enginePrograms(requested)) {
    const engine = { program, environment };
    const version = await callEngine(engine, ['version', '--format', '{{.Client.Version}}']);
    if (version.status === 0) return accept(engine);
    reasons.push(`${program}: ${failureReason(version)}`);
  }
  return refuse(`cannot find a container engine: ${reasons.join('; ')}`);
}

/** Printed by both engines about a container that does not exist. */
const notFound = /no such container|no container with (name|id)/i;
/** Printed when `--rm` is already removing the container, which can take a while on a busy machine. */
const beingRemoved = /already in progress|being removed|state (is )?removing/i;
const removalSeconds = 60;
const pollMs = 100;
/** Once a second: enough for an engine that is restarting. */
const maxAttempts = 10;

/**
 * Removes a container, if it exists. Sends SIGKILL first, since podman's `rm --force` would wait for 10 s. Returns a
 * message if the container could not be removed.
 */
export async function removeContainer(engine: Engine, name: string): Promise<string | undefined> {
  const deadline = performance.now() + removalSeconds * 1000;
  for (let attempt = 1; ; attempt++) {
    const killed = await callEngine(engine, ['kill', '--signal', 'KILL', name]);
    if (killed.status !== 0 && notFound.test(killed.stderr)) return undefined;
    const removed = await callEngine(engine, ['rm', '--force', '--volumes', name]);
    if (removed.status === 0 || notFound.test(removed.stderr)) return undefined;
    if (beingRemoved.test(removed.stderr) && performance.now() < deadline) {
      attempt--;
      await wait(pollMs);
      continue;
    }
    if (attempt >= maxAttempts) {
      return `cannot remove container ${quote(name)}: ${failureReason(removed)}. To remove it: ${engine.program} rm --force ${name}`;
    }
    await wait(1000);
  }
}
