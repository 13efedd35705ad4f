/** A container's name -> the container gone, whatever has begun to remove it; or why it is still there. */
import { setTimeout as wait } from 'node:timers/promises';
import { quote } from '../../model/result.js';
import { failureReason } from '../system/run-process.js';
import { callEngine, type Engine } from './engine.js';

/** What both engines say of a container that is gone. */
const gone = /no such container|no container with (name|id)/i;
/** `--rm` has begun to remove it, and may take its time on a machine that has much to do. */
const going = /already in progress|being removed|state (is )?removing/i;
const goingSeconds = 60;
const pollMs = 100;
/** An engine that is restarted answers again within this time, once a second. */
const removeTries = 10;

/**
 * One that is gone already is no fault. `kill` comes first, since podman's `rm --force` would wait for 10 s. A text
 * where the container could not be removed: its engine does not answer.
 */
export async function removeContainer(engine: Engine, name: string): Promise<string | undefined> {
  const limit = performance.now() + goingSeconds * 1000;
  for (let attempt = 1; ; attempt++) {
    const killed = await callEngine(engine, ['kill', '--signal', 'KILL', name]);
    if (killed.status !== 0 && gone.test(killed.stderr)) return undefined;
    const removed = await callEngine(engine, ['rm', '--force', '--volumes', name]);
    if (removed.status === 0 || gone.test(removed.stderr)) return undefined;
    if (going.test(removed.stderr) && performance.now() < limit) {
      attempt--;
      await wait(pollMs);
      continue;
    }
    if (attempt >= removeTries) {
      return `cannot remove container ${quote(name)}: ${failureReason(removed)}; mend: ${engine.program} rm --force ${name}`;
    }
    await wait(1000);
  }
}
