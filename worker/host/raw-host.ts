/** Runs tasks on the raw machine: the supervisor is a shell of this machine. */
import { join } from 'node:path';
import { cookieEnvironment } from './task-cookie.js';
import type { HostMaker } from './task-host.js';

export interface RawHostOptions {
  readonly control: string;
  readonly repo: string;
  /** the environment of the tasks */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** a random word for the environment of every task */
  readonly cookie: string;
  /** what a task leaves is ended before its end is reported */
  readonly isIsolated: boolean;
}

/** Returns the raw machine as a task host. Each lane has a shell of its own. */
export function rawHost({ control, repo, environment, cookie, isIsolated }: RawHostOptions): HostMaker {
  return (number) => {
    const own = `${cookie}-${number}`;
    const main = {
      program: '/bin/sh',
      args: [...[join(control, 'supervisor.sh'), control, repo, own], ...(isIsolated ? ['isolate'] : [])],
      environment: { ...environment, ...cookieEnvironment(own, environment) },
      startSeconds: 30,
    };
    return { name: 'the shell for the tasks', main, sweeper: main, remove: () => Promise.resolve(undefined) };
  };
}
