/** Starts a job's side of `image: ssh:DEST`: what is said over a connection before the supervisor answers. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { packageRoot } from '../../files/package-root.js';
import { quote } from '../../model/result.js';
import { quoteShellWord } from '../../model/shell-word.js';
import type { MachineRecord } from '../../model/record.js';
import type { RepoArchive } from '../transfer/repo-archive.js';
import { timeout } from './supervisor.js';
import type { Lost } from './task-try.js';

/**
 * The remote command. It works in every login shell, csh and fish too: no line break, and nothing but letters and quotes
 * that they all read the same way. The shell that it starts reads a line of stdin, and runs it.
 */
export const remoteCommand = `exec /bin/sh -c 'IFS= read -r l && eval "$l"'`;

/** What a connection needs to know, see shims/ssh-start.sh. */
export interface SshStart {
  /** a random word */
  readonly mark: string;
  /** of the folder, a random word */
  readonly name: string;
  readonly lane: number;
  readonly cookie: string;
  readonly isIsolated: boolean;
  readonly tools: readonly string[];
  /** folders of earlier calls, with the word in the environment of their processes */
  readonly old: readonly { readonly name: string; readonly cookie: string }[];
}

/** What the other machine said of itself. */
export interface RemoteFacts {
  readonly machine: MachineRecord;
  readonly folder: string;
}

const startScript = readFileSync(new URL('shims/ssh-start.sh', packageRoot), 'utf8');
/** A shell reads its input byte by byte, so it gets nothing that only people read. */
const shortScript = startScript
  .split('\n')
  .map((line) => line.trim())
  .filter((line) => line !== '' && !line.startsWith('#'))
  .join('\n');

/** Returns what is written to stdin first: a line that reads the script, and the script. */
export function formatStart(start: SshStart): string {
  const { mark, name, lane, cookie, isIsolated, tools, old } = start;
  const variables = {
    ...{
      mark,
      name,
      cookie,
      lane: String(lane),
      isolate: isIsolated ? 'isolate' : '',
      tools: tools.join(' '),
    },
    old: ` ${old.map((folder) => `${folder.name}=${folder.cookie} `).join('')}`,
  };
  const end = `end-${mark}`;
  // A line break is printed, since the line must not have one.
  const reader = `n=$(printf '\\nx') n=\${n%x} s=''; while IFS= read -r l && [ "$l" != ${end} ]; do s=$s$l$n; done; eval "$s"`;
  const assignments = Object.entries(variables).map(([key, value]) => `${key}=${quoteShellWord(value)}`);
  return [reader, ...assignments, shortScript, end, ''].join('\n');
}

/** The answers of ssh-start.sh. What a login profile prints before or between them is skipped. */
export class StartReader {
  readonly #mark: string;
  readonly #stdout: Readable;
  #text = Buffer.alloc(0);
  #foreignLine: string | undefined;
  #wake: () => void = () => undefined;
  #isOver = false;
  readonly #take: (chunk: Buffer) => void;

  constructor(stdout: Readable, mark: string) {
    this.#mark = mark;
    this.#stdout = stdout;
    this.#take = (chunk) => {
      this.#text = Buffer.concat([this.#text, chunk]);
      this.#wake();
    };
    stdout.on('data', this.#take);
    for (const event of ['end', 'close'])
      stdout.on(event, () => {
        this.#isOver = true;
        this.#wake();
      });
  }

  /** Returns the words of the next answer, or undefined at the end of the output, or if `stop` resolves first. */
  async next(stop: Promise<unknown>): Promise<readonly string[] | undefined> {
    const wait = { isOver: false };
    const stopped = stop.then(() => (wait.isOver = true));
    for (;;) {
      const at = this.#text.indexOf('\n');
      if (at >= 0) {
        const line = this.#text.subarray(0, at).toString();
        this.#text = this.#text.subarray(at + 1);
        if (line.startsWith(`${this.#mark} `)) return line.slice(this.#mark.length + 1).split(' ');
        if (line.trim() !== '') this.#foreignLine = line.trim().slice(0, 500);
        continue;
      }
      if (this.#isOver || wait.isOver) return undefined;
      // Without a line break, a profile that prints forever would fill the memory.
      if (this.#text.length > maxLineBytes) this.#text = this.#text.subarray(-maxLineBytes / 2);
      await Promise.race([stopped, new Promise<void>((resolve) => (this.#wake = resolve))]);
    }
  }

  /** the last line that was not an answer */
  get foreignLine(): string | undefined {
    return this.#foreignLine;
  }

  /** Leaves the rest of the output to others. */
  release(): void {
    this.#stdout.off('data', this.#take);
    this.#stdout.pause();
    if (this.#text.length > 0) this.#stdout.unshift(this.#text);
  }
}

const maxLineBytes = 64 * 1024;

export interface SshStartOptions extends SshStart {
  /** as the user wrote it */
  readonly destination: string;
  /** Returns what lane 1 sends. Other lanes name the folder that they use. */
  readonly source: () => Promise<RepoArchive | Lost | { readonly joined: string }>;
  readonly cancel: AbortSignal;
}

/** Why the folder cannot be used, and whether it may have been left on the other machine. */
export interface FailedStart extends Lost {
  readonly isUnclear: boolean;
}

/** How long ssh may take to connect, log in and answer. The files go over after that, without a limit. */
const answerSeconds = 90;

/** Prepares the remote folder over a new connection. When it returns facts, the supervisor's protocol follows. */
export async function startOverSsh(
  { stdin, stdout }: Pick<ChildProcess, 'stdin' | 'stdout'>,
  options: SshStartOptions,
): Promise<RemoteFacts | FailedStart> {
  const { mark, destination, source, cancel } = options;
  const failed = (reason: string, isUnclear = false): FailedStart => ({ kind: 'lost', reason, isUnclear });
  if (stdin === null || stdout === null) return failed('ssh has no pipes');
  const reader = new StartReader(stdout, mark);
  const cancelled = new Promise<void>((resolve) => {
    if (cancel.aborted) resolve();
    cancel.addEventListener('abort', () => {
      resolve();
    });
  });
  stdin.write(formatStart(options));
  let machine: MachineRecord | undefined;
  let folder = '';
  for (let limit: Promise<unknown> = timeout(answerSeconds); ; limit = cancelled) {
    const answer = await reader.next(Promise.race([limit, cancelled]));
    const isUnclear = folder !== '';
    if (answer === undefined) {
      if (cancel.aborted) return failed('the job was cancelled', isUnclear);
      return failed(reader.foreignLine ?? '', isUnclear);
    }
    const [word = '', ...rest] = answer;
    switch (word) {
      case 'no':
        return failed(`${quote(destination, 300)} has no ${rest.map((name) => quote(name)).join(', ')}`);
      case 'failed':
        return failed(rest.join(' '));
      case 'facts':
        machine = parseFacts(rest);
        break;
      case 'folder': {
        folder = rest.join(' ');
        const sent = await source();
        if ('kind' in sent) return failed(sent.reason, true);
        if ('joined' in sent) {
          folder = sent.joined;
          stdin.write(`join ${folder}\n`);
        } else await sendArchive(sent, stdin);
        break;
      }
      case 'start':
        if (machine === undefined || folder === '') return failed('it answered out of turn', true);
        reader.release();
        return { machine, folder };
    }
  }
}

async function sendArchive(archive: RepoArchive, stdin: Writable): Promise<void> {
  stdin.write(`tar ${archive.records}\n`);
  for await (const chunk of archive.chunks()) {
    if (stdin.destroyed) return;
    if (!stdin.write(chunk)) await Promise.race([once(stdin, 'drain'), once(stdin, 'close')]);
  }
}

const architectures: Readonly<Record<string, string>> = {
  ...{ x86_64: 'x64', amd64: 'x64', aarch64: 'arm64', i386: 'ia32', i686: 'ia32' },
  ...{ armv7l: 'arm', armv6l: 'arm', ppc64le: 'ppc64' },
};

/** Parses `uname -s -n -r -m`, the count of processors and KiB of memory, into what the record says of a machine. */
export function parseFacts(words: readonly string[]): MachineRecord {
  const [system = '', name = '', release = '', ...rest] = words;
  const [kib = '', cpus = '', ...architecture] = [...rest].reverse();
  const given = architecture.reverse().join(' ');
  return {
    name: name.slice(0, 200),
    system: `${system} ${release}`.slice(0, 200),
    architecture: (architectures[given] ?? given).slice(0, 100),
    cpus: Math.max(1, Math.floor(Number(cpus)) || 1),
    memoryBytes: Math.max(0, Number(kib) * 1024 || 0),
  };
}
