/** One try of a task: what is asked of a task host, and how it ended. Plain data. */

/** One try of a task: the number of its script, and whether it runs on a terminal. */
export interface TryRequest {
  readonly number: number;
  readonly try: number;
  readonly tty?: boolean;
  /** a random word, by which the reader of a host's stderr finds where the output of this try begins and ends */
  readonly mark?: string;
}

/** How one try of a task ended, as the supervisor reports it. */
export type TryEnd =
  | {
      readonly kind: 'done';
      readonly status: number;
      readonly userSeconds: number;
      readonly systemSeconds: number;
      /** the largest resident set of one process; absent if the machine has no program that measures it */
      readonly maxRssKib?: number;
    }
  /** not started: its log could not be opened */
  | { readonly kind: 'unlogged' }
  /** not started: it needs a terminal, and program "script" was not found */
  | { readonly kind: 'no-terminal' }
  /** the supervisor or the container exited */
  | Lost;

export interface Lost {
  readonly kind: 'lost';
  /** what happened, if it is not `the container or shell exited` */
  readonly event?: string;
  /** it did not exit, but what it reports cannot be trusted; `reason` is a whole sentence */
  readonly isDistrusted?: true;
  readonly reason: string;
}
