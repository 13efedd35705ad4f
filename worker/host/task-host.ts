/**
 * The interfaces between a job and the place where its tasks run. A task host is a foreground command whose stdin and
 * stdout speak the protocol of shims/supervisor.sh. To add one, write a file that returns its commands.
 */
import type { ChildProcess } from 'node:child_process';
import type { Lost, TryEnd, TryRequest } from './task-try.js';

/** A command that runs shims/supervisor.sh in its foreground, with the protocol on stdin and stdout. */
export interface HostCommand {
  readonly program: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** how long it may take to become ready; a container starts slowly */
  readonly startSeconds: number;
  /**
   * what its stderr carries: `errors` (the default), whose last line says why the command failed; or `output` of the tasks,
   * for a host whose FIFOs this machine cannot open
   */
  readonly stderr?: 'errors' | 'output';
  /**
   * Uses the command's pipes first, such as to send files. The protocol follows when it resolves; `startSeconds` count from
   * then. Resolves to a reason if the command cannot be used.
   */
  prepare?(child: ChildProcess): Promise<Lost | undefined>;
  /** Returns why the command failed, if that is not on its stderr. */
  explain?(): string | undefined;
}

/** A supervisor that is ready, for a host that asks it for more than to run tasks. */
export interface HostLink {
  /** Sends requests that only this host knows, while no task runs. */
  readonly send: (text: string) => void;
}

/** One task host that can be started, such as a container with a name of its own. */
export interface HostInstance {
  /** what it is, for messages, as in `a container of image "debian"` */
  readonly name: string;
  /** runs the tasks of lane 1; with `lane`, and tasks in parallel, it runs none and keeps the host alive */
  readonly main: HostCommand;
  /** Returns a command to try once more if `main` did not start for this reason. Absent: there is none. */
  retry?(reason: string): HostCommand | undefined;
  /** starts another supervisor beside `main`, for tasks in parallel. Absent: each lane is an instance of its own */
  lane?(number: number): HostCommand;
  /** true if `lane` failed only because the host has not registered `main` yet */
  isTooEarly?(reason: string): boolean;
  /** Returns lines for the supervisor's stdin before a request, such as the task's script. Absent: none is needed. */
  before?(request: TryRequest): Promise<string>;
  /**
   * present if processes of tasks can outlive `main`, as on the raw machine: they get the grace period before it exits, and
   * if it was lost, this command starts a supervisor that ends them
   */
  readonly sweeper?: HostCommand;
  /** what tasks left gets the grace period before the host exits, as with a sweeper */
  readonly hasGrace?: boolean;
  /** says in messages that the host was lost; default: `the container or shell exited` */
  readonly lossText?: string;
  /** Called when the supervisor of `main` is ready. */
  attach?(link: HostLink): void;
  /** Brings home what the job made, when what the tasks left has been ended, and before the supervisor is asked to exit. */
  finish?(): Promise<void>;
  /**
   * Removes what its commands leave behind, such as a container. `isClean` says that `main` ended by itself and without an
   * error. Never throws. Returns a notice if something is left.
   */
  remove(isClean: boolean): Promise<string | undefined>;
}

/** Makes a task host of a job; `number` differs at each call. Called again after a host was lost. Starts nothing. */
export type HostMaker = (number: number) => HostInstance;

/** Runs one task at a time, until close(). */
export interface TaskHost {
  /** Runs one try of a task to its end. Time limits are the caller's. */
  run(request: TryRequest): Promise<TryEnd>;
  /**
   * Ends the running task and every process it started: TERM, the grace period, then KILL. If processes survive, ends the
   * host as well, unless other tasks run there.
   */
  stopTask(grace: Grace): Promise<StoppedTask>;
  /** Ends the remaining processes and removes the container. Never throws. */
  close(): Promise<HostEnd>;
}

/** How a task host ended. */
export interface HostEnd {
  /** what could not be ended or removed, as a sentence */
  readonly notice?: string;
  /** why what the host reported cannot be trusted */
  readonly fault?: string;
}

export interface StoppedTask {
  /** the next task needs another host */
  readonly isHostGone: boolean;
  /** what could not be ended, as a sentence */
  readonly notice?: string;
}

/** The time between TERM and KILL. */
export interface Grace {
  readonly seconds: number;
  /** ends the grace period early */
  readonly forceCancel?: AbortSignal;
}

/** Reports whether the grace period lasts. `startedAt` is a time of performance.now(), milliseconds. */
export function isWithinGrace({ seconds, forceCancel }: Grace, startedAt: number): boolean {
  return forceCancel?.aborted !== true && performance.now() < startedAt + seconds * 1000;
}

/** Opens the hosts of one job: a single one, or one per lane if tasks run in parallel. */
export interface HostPool {
  /** Starts a host. Called again after a host was lost. */
  readonly open: () => Promise<TaskHost | Lost>;
  /** Ends what the job left running. Called after every host was closed. */
  readonly close: () => Promise<HostEnd>;
}
