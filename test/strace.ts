/** Parses strace's output of a process with threads into system calls with their begin and end. */

export interface SystemCall {
  readonly name: string;
  /** arguments as strace prints them, with the paths of descriptors */
  readonly args: string;
  readonly result: string;
  /** line numbers of the trace: calls of several threads overlap */
  readonly began: number;
  readonly ended: number;
}

/** Returns the calls that ended, in the order of their end. */
export function parseTrace(trace: string): readonly SystemCall[] {
  const calls: SystemCall[] = [];
  const open = new Map<string, { readonly name: string; readonly args: string; readonly began: number }>();
  for (const [at, line] of trace.split('\n').entries()) {
    const [, thread = '', rest = ''] = /^(\d+)\s+(.*)$/.exec(line) ?? [];
    const unfinished = /^(\w+)\((.*) <unfinished \.\.\.>$/.exec(rest);
    if (unfinished !== null) {
      open.set(thread, { name: unfinished[1] ?? '', args: unfinished[2] ?? '', began: at });
      continue;
    }
    const resumed = /^<\.\.\. (\w+) resumed>(.*)\) += (.*)$/.exec(rest);
    if (resumed !== null) {
      const begun = open.get(thread);
      if (begun === undefined) continue;
      open.delete(thread);
      calls.push({ ...begun, args: begun.args + (resumed[2] ?? ''), result: resumed[3] ?? '', ended: at });
      continue;
    }
    const whole = /^(\w+)\((.*)\) += (.*)$/.exec(rest);
    if (whole === null) continue;
    calls.push({ name: whole[1] ?? '', args: whole[2] ?? '', result: whole[3] ?? '', began: at, ended: at });
  }
  return calls;
}
