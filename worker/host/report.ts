/** Parses the lines that shims/supervisor.sh prints on its standard output. */

/** One line of a supervisor. */
export type Report =
  | { readonly kind: 'ready'; readonly pid: number }
  /** the shell of the task host cannot run tasks */
  | { readonly kind: 'unfit'; readonly reason: string }
  /** a task's shell started; its process id is that of its group, where there is a program `setsid` */
  | { readonly kind: 'began'; readonly pid: number }
  /** the largest resident set of one process of the task */
  | { readonly kind: 'memory'; readonly kib: number }
  /** user and system seconds, of the shell or of all its tasks */
  | { readonly kind: 'times'; readonly seconds: readonly [number, number] }
  | {
      readonly kind: 'done';
      readonly number: number;
      readonly try: number;
      readonly status: string;
      readonly key: string;
    }
  /** the answer of a task's guard */
  | { readonly kind: 'answer'; readonly answer: GuardAnswer }
  /** the task of an isolated job ended; what it left has not */
  | { readonly kind: 'ended'; readonly number: number; readonly try: number }
  | { readonly kind: 'bye'; readonly key: string };

/** Which processes are left: some, none, or unknown, since the guard has no means to find them. */
export type GuardAnswer =
  | { readonly kind: 'left'; readonly pids: readonly number[] }
  | { readonly kind: 'gone' }
  | { readonly kind: 'refused' };

const forms: readonly [RegExp, (...fields: string[]) => Report][] = [
  [/^ready (\d{1,15})$/, (pid) => ({ kind: 'ready', pid: Number(pid) })],
  [/^unfit (.+)$/, (reason = '') => ({ kind: 'unfit', reason })],
  [/^began (\d{1,15})$/, (pid) => ({ kind: 'began', pid: Number(pid) })],
  [/^memory (\d{1,15})$/, (kib) => ({ kind: 'memory', kib: Number(kib) })],
  [
    /^done (\d{1,9}) (\d{1,9}) ([a-z]+|\d{1,3}) (\w+)$/,
    (number, tried, status = '', key = '') => ({
      ...{ kind: 'done', number: Number(number), try: Number(tried), status, key },
    }),
  ],
  [
    /^left((?: \d{1,15})*)$/,
    (pids = '') => ({
      kind: 'answer',
      answer: { kind: 'left', pids: pids.split(' ').filter(Boolean).map(Number) },
    }),
  ],
  [/^(gone|refused)$/, (word) => ({ kind: 'answer', answer: { kind: word as 'gone' | 'refused' } })],
  [
    /^ended (\d{1,9}) (\d{1,9})$/,
    (number, tried) => ({ kind: 'ended', number: Number(number), try: Number(tried) }),
  ],
  [/^bye (\w+)$/, (key = '') => ({ kind: 'bye', key })],
];

/** Parses a line. Returns undefined if no supervisor prints it. */
export function parseReport(line: string): Report | undefined {
  for (const [pattern, report] of forms) {
    const match = pattern.exec(line);
    if (match !== null) return report(...match.slice(1));
  }
  const seconds = parseTimes(line);
  return seconds === undefined ? undefined : { kind: 'times', seconds };
}

/**
 * Parses a line of the builtin `times`, `0m1.250000s 0m0.10s`. Returns user and system time in seconds. ksh93 writes the
 * decimal point of the locale.
 */
export function parseTimes(line: string): readonly [number, number] | undefined {
  const [, ...parts] = /^(\d+)m(\d+(?:[.,]\d+)?)s (\d+)m(\d+(?:[.,]\d+)?)s$/.exec(line) ?? [];
  if (parts.length !== 4) return undefined;
  const [userMinutes = 0, user = 0, systemMinutes = 0, system = 0] = parts.map((part) =>
    Number(part.replace(',', '.')),
  );
  return [userMinutes * 60 + user, systemMinutes * 60 + system];
}
