/** Traces the system calls of a running process with strace: its pid -> every call of some kinds, in order. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';

export interface SystemCall {
  readonly name: string;
  /** as strace prints them, descriptors with their paths */
  readonly text: string;
  /** lines of the trace: when it began, and when it had ended */
  readonly begin: number;
  readonly end: number;
}

const traced = 'openat,write,writev,pwrite64,sendto,sendmsg,fsync,fdatasync,rename,renameat,renameat2';

/** Follows every thread of `pid` while `work` goes on. `file` is where the trace is put. */
export async function traceCalls(
  pid: number,
  file: string,
  work: () => Promise<void>,
): Promise<readonly SystemCall[]> {
  const args = [
    '-f',
    '-y',
    '-s',
    '64',
    '-e',
    `trace=${traced}`,
    '-e',
    'signal=none',
    '-o',
    file,
    '-p',
    String(pid),
  ];
  const tracer = spawn('strace', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(tracer, 'close');
  const said: string[] = [];
  const attached = new Promise<void>((resolve) => {
    createInterface(tracer.stderr).on('line', (line) => {
      said.push(line);
      if (line.includes('attached')) resolve();
    });
  });
  await Promise.race([
    attached,
    ended.then(() => {
      throw new Error(`strace ended too early: ${said.join('\n')}`);
    }),
  ]);
  try {
    await work();
  } finally {
    tracer.kill('SIGINT');
    await ended;
  }
  return parseTrace(await readFile(file, 'utf8'));
}

/** A call that another thread's came between stands on two lines: `<unfinished ...>` and `<... NAME resumed>`. */
export function parseTrace(text: string): readonly SystemCall[] {
  const calls: SystemCall[] = [];
  const begun = new Map<string, { readonly name: string; readonly text: string; readonly begin: number }>();
  for (const [at, line] of text.split('\n').entries()) {
    const [, thread = '', rest = ''] = /^(\d+) +(.*)$/.exec(line) ?? [];
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest);
    if (resumed !== null) {
      const first = begun.get(thread);
      begun.delete(thread);
      if (first !== undefined) calls.push({ ...first, text: first.text + (resumed[1] ?? ''), end: at });
      continue;
    }
    const name = /^(\w+)\(/.exec(rest)?.[1];
    if (name === undefined) continue;
    if (rest.endsWith('<unfinished ...>')) begun.set(thread, { name, text: rest.slice(0, -16), begin: at });
    else calls.push({ name, text: rest, begin: at, end: at });
  }
  return calls.sort((a, b) => a.begin - b.begin);
}
