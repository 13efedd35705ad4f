/** Turns the signals that ask a program to end into abort signals. */

export interface SignalHandler {
  /** aborted by the first SIGINT, SIGTERM, SIGHUP or SIGQUIT */
  readonly cancel: AbortSignal;
  /** aborted by the second one */
  readonly forceCancel: AbortSignal;
  /** Sets how many signals the running command handles by itself. The one after them exits the process. */
  readonly handle: (count: number) => void;
}

/**
 * SIGHUP: the terminal or the connection is gone; a job must still end with a record. SIGQUIT: Ctrl-\ at a terminal, whose
 * default would dump core and leave the tasks running.
 */
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;

/** Emits signals, as `process` does. */
interface SignalSource {
  readonly on: (signal: (typeof signals)[number], listener: () => void) => unknown;
}

/** Exit status of a process that was ended by a signal which no command handles. */
const cancelledStatus = 130;

/** Listens for signals. `count` is how many are handled until a command calls `handle`. */
export function listenForSignals(
  source: SignalSource,
  { count, exit }: { readonly count: number; readonly exit: (status: number) => void },
): SignalHandler {
  const cancel = new AbortController();
  const forceCancel = new AbortController();
  let handled = count;
  let received = 0;
  for (const signal of signals) {
    source.on(signal, () => {
      received += 1;
      if (received > handled) exit(cancelledStatus);
      else if (received === 1) cancel.abort(new Error(`received ${signal}`));
      else forceCancel.abort();
    });
  }
  const handle = (next: number): void => {
    handled = next;
  };
  return { cancel: cancel.signal, forceCancel: forceCancel.signal, handle };
}
