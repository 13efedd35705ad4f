/**
 * Runs tasks on another machine over SSH. The host is the program `ssh`, so the user's configuration, keys and jump hosts
 * hold. Each lane has one connection: files go in over stdin, and output and results come back over stderr.
 */
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { packageRoot } from '../../files/package-root.js';
import type { MachineRecord } from '../../model/record.js';
import { quote } from '../../model/result.js';
import { builtinName, builtinScript } from '../config/builtin-task.js';
import { OutputText } from '../output/output-text.js';
import { SectionReader } from '../output/section-reader.js';
import { fetchSection, newMark, type OutputLane, type StreamOutput } from '../output/stream-output.js';
import { lastLine } from '../system/log-tail.js';
import { withoutHidden } from '../system/hidden-variables.js';
import { packJob, type JobArchive } from '../transfer/job-archive.js';
import type { RemoteFolders } from './remote-folders.js';
import { fetchResults } from './remote-results.js';
import { remoteCommand, startOverSsh, type FailedStart, type RemoteFacts } from './ssh-connection.js';
import { cookieVariable } from './task-cookie.js';
import type { HostCommand, HostInstance } from './task-host.js';
import { timeout } from './supervisor.js';
import type { Lost } from './task-try.js';

export interface SshHostOptions {
  /** as in `ci@host` */
  readonly destination: string;
  readonly repo: string;
  /** paths of the repo that are the worker's own */
  readonly isExcluded: (path: string) => boolean;
  /** of the worker, with a PATH without folders of the repo */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** the control folder of this machine, with the scripts of the tasks */
  readonly control: string;
  /** a folder of the worker for what ssh prints, and for results */
  readonly scratch: string;
  readonly cookie: string;
  readonly isIsolated: boolean;
  readonly hasResults: boolean;
  readonly output: StreamOutput;
  readonly folders: RemoteFolders;
  readonly report: (notice: string) => void;
  readonly cancel: AbortSignal;
}

/** Fixed options of ssh. The user's configuration holds otherwise. */
const sshOptions = [
  ...['-T', '-a', '-x'],
  ...['BatchMode=yes', 'ServerAliveInterval=15', 'ServerAliveCountMax=3'].flatMap((option) => ['-o', option]),
  // These belong to the user's own sessions: a second connection could not open the same ports.
  ...['ClearAllForwardings=yes', 'RemoteCommand=none', 'ControlMaster=no'].flatMap((option) => [
    '-o',
    option,
  ]),
];

/** Returns the arguments of ssh for a command on the other machine. */
export const sshArguments = (
  destination: string,
  command: string,
  more: readonly string[] = [],
): readonly string[] => [...sshOptions, ...more, ...['--', destination, command]];

/** Returns the environment of ssh: without tokens, which `SendEnv` could pass on, but with the user's agent. */
export function sshEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  const { SSH_AUTH_SOCK } = environment;
  return { ...withoutHidden(environment), ...(SSH_AUTH_SOCK !== undefined && { SSH_AUTH_SOCK }) };
}

/** A shell reads byte by byte, so that a longer script is faster with a program. */
const shortScript = 2000;

export interface ShellScript {
  /** of sh */
  readonly flags: readonly string[];
  readonly isOnTerminal: boolean;
}

/** The other machine, for one job: a folder with the repo, which all lanes use. */
export class SshHost {
  readonly #options: SshHostOptions;
  readonly #name = randomBytes(16).toString('hex');
  /**
   * the path of the control folder in the scripts of tasks. The real one is known when the connection is made, and takes
   * its place in each script.
   */
  readonly control = `/soil-control-${randomBytes(16).toString('hex')}`;
  readonly #joining: Promise<RemoteFacts | Lost>;
  #joined: (facts: RemoteFacts | Lost) => void = () => undefined;
  #facts: RemoteFacts | undefined;
  #tidying: Promise<void> | undefined;
  readonly #lanes = new Set<Promise<void>>();
  readonly #open = new Set<OutputLane>();
  #patterns: readonly string[] = [];
  /** the folder of this machine for results and artifacts, which is filled when the last lane is closed */
  readonly resultFolder: string;

  constructor(options: SshHostOptions) {
    this.#options = options;
    this.resultFolder = join(options.scratch, 'results');
    mkdirSync(this.resultFolder, { recursive: true, mode: 0o700 });
    this.#joining = new Promise((resolve) => (this.#joined = resolve));
  }

  /** the other machine, for the record; undefined if it was never reached */
  get machine(): MachineRecord | undefined {
    return this.#facts?.machine;
  }

  /** Names what comes back when the job is over: patterns of results, and paths of artifacts. */
  want(patterns: readonly string[]): void {
    this.#patterns = patterns;
  }

  /** Makes the connection of a lane. */
  readonly make = (number: number): HostInstance => {
    const { destination, scratch, environment, output } = this.#options;
    const log = join(scratch, `ssh-${number}.log`);
    let reader: SectionReader | undefined;
    let lane: OutputLane | undefined;
    let endLane: () => void = () => undefined;
    const over = new Promise<void>((resolve) => (endLane = resolve));
    const main: HostCommand = {
      program: 'ssh',
      // Its own messages go to a file: its stderr carries the output of tasks.
      args: sshArguments(destination, remoteCommand, ['-E', log]),
      environment: sshEnvironment(environment),
      startSeconds: 30,
      stderr: 'output',
      prepare: async (child) => {
        if (child.stderr !== null) reader = new SectionReader(child.stderr);
        const started = await this.#start(number, child);
        if (!('kind' in started)) {
          this.#lanes.add(over);
          return undefined;
        }
        if (started.reason !== '') return started;
        // ssh says why it failed when it ends.
        await Promise.race([once(child, 'exit'), timeout(5)]);
        const reason = explainFailure(log) ?? lastLine(reader?.foreign ?? '') ?? 'it does not answer';
        return { ...started, reason };
      },
      explain: () => explainFailure(log),
    };
    return {
      name: `the connection to ${quote(destination, 300)}`,
      main,
      hasGrace: true,
      lossText: `the connection to ${quote(destination, 300)} was lost`,
      attach: ({ send }) => {
        if (reader === undefined) return;
        lane = { reader, send };
        this.#open.add(lane);
      },
      before: async (request) => {
        if (lane === undefined) return '';
        return `mark ${output.start(request, lane)}\n${await this.#scriptRequest(request.number)}`;
      },
      finish: async () => {
        if (lane === undefined) return;
        await output.fetchLate(lane);
        this.#lanes.delete(over);
        if (number === 1) await this.#finish(lane);
      },
      remove: () => {
        this.#lanes.delete(over);
        endLane();
        return Promise.resolve(undefined);
      },
    };
  };

  /** Makes a script's paths those of the other machine. */
  #translate(script: string): string {
    return script.replaceAll(this.control, `${this.#facts?.folder ?? ''}/control`);
  }

  /** Returns the request that brings a script to the other machine. */
  async #scriptRequest(number: number): Promise<string> {
    const text = await readFile(join(this.#options.control, 'task', `${number}.sh`), 'utf8');
    const script = this.#translate(text);
    // What every shell reads and prints unchanged.
    return script.length <= shortScript && /^[\t\n\x20-\x7e]*\n$/.test(script)
      ? `lines ${number} ${script.split('\n').length - 1}\n${script}`
      : `script ${number} ${Buffer.byteLength(script)}\n${script}`;
  }

  /**
   * Sends a script over the connection of lane 1, and returns the arguments of a second `ssh` that runs it on a terminal or
   * on pipes of this process.
   */
  async shellArguments(number: number, { flags, isOnTerminal }: ShellScript): Promise<readonly string[]> {
    const { destination, cookie } = this.#options;
    const [lane] = this.#open;
    if (lane === undefined) throw new Error('no connection is open');
    // What is fetched says that the script has arrived.
    const request = await this.#scriptRequest(number);
    await fetchSection(lane, (mark) => `${request}send ${mark} lanes/1\n`, new OutputText(0));
    const folder = this.#facts?.folder ?? '';
    const words = ['/bin/sh', ...flags, `"${folder}/control/task/${number}.sh"`].join(' ');
    // Without `exec`, the status of a shell that a signal ended is 128 + n, as elsewhere.
    const command = `cd "${folder}/repo" && export ${cookieVariable}=${cookie}-1.${number}. && ${words}; exit $?`;
    return sshArguments(destination, `exec /bin/sh -c '${command}'`, isOnTerminal ? ['-tt'] : []);
  }

  async #start(number: number, child: ChildProcess): Promise<RemoteFacts | FailedStart> {
    const { destination, cookie, isIsolated, hasResults, folders, cancel } = this.#options;
    const start = {
      ...{ destination, cookie, isIsolated, mark: newMark(), name: this.#name, lane: number, cancel },
      tools: ['tar', 'mkfifo', 'dd', ...(hasResults ? ['find'] : [])],
    };
    if (number !== 1) {
      const source = async () => {
        const first = await this.#joining;
        return 'kind' in first ? first : { joined: first.folder };
      };
      return startOverSsh(child, { ...start, old: [], source });
    }
    const packing = this.#pack();
    const old = await folders.list();
    // Before the folder is made, so that it is known whatever happens.
    await folders.add({ name: this.#name, cookie });
    const source = async () => {
      const packed = await packing;
      return 'kind' in packed ? packed : packed.archive;
    };
    const facts = await startOverSsh(child, { ...start, old, source });
    // Nothing is awaited here: what the supervisor prints next must be read at once.
    if (!('kind' in facts)) this.#facts = facts;
    this.#joined(facts);
    this.#tidying = packing.then(async (packed) => {
      if (!('kind' in facts)) for (const { name } of old) await folders.remove(name);
      else if (!facts.isUnclear) await folders.remove(this.#name);
      if ('kind' in packed) return;
      await packed.close();
      for (const text of [...packed.notices, ...packed.archive.notices]) this.#options.report(text);
    });
    this.#tidying.catch(() => undefined); // awaited when the job is over
    return facts;
  }

  async #pack(): Promise<JobArchive | Lost> {
    const { repo, environment, isExcluded } = this.#options;
    const packed = await packJob({ repo, environment, isExcluded, scripts, folders: remoteSubfolders });
    return packed.ok ? packed.value : { kind: 'lost', reason: packed.error };
  }

  /** Brings home what the job made, and removes the folder. */
  async #finish(lane: OutputLane): Promise<void> {
    const { folders, report } = this.#options;
    // Other lanes may still end processes that write results.
    await Promise.all(this.#lanes);
    await this.#tidying;
    const wanted = { patterns: this.#patterns, folder: this.resultFolder };
    for (const text of await fetchResults(lane, wanted)) report(text);
    if (await fetchSection(lane, (mark) => `drop ${mark}\n`, new OutputText(0)))
      await folders.remove(this.#name);
  }
}

const shim = (name: string): string => fileURLToPath(new URL(`shims/${name}`, packageRoot));
const scripts = {
  'supervisor.sh': shim('supervisor.sh'),
  'ssh-host.sh': shim('ssh-host.sh'),
  [builtinName]: builtinScript,
};
const remoteSubfolders = ['task', 'out', 'late', 'lanes'].map((name) => `control/${name}`);

/** Returns the last line that ssh printed. */
function explainFailure(log: string): string | undefined {
  try {
    return lastLine(readFileSync(log, 'utf8'));
  } catch {
    return undefined;
  }
}
