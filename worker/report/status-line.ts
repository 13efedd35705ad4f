/** Shows the current activity as one temporary line at the bottom of a terminal. */
import type { WriteStream } from 'node:tty';

export interface StatusLine {
  /** Replaces the line. An empty text removes it. */
  readonly show: (text: string) => void;
  /** Removes the line, then calls `write`, which prints something permanent. */
  readonly interrupt: (write: () => void) => void;
}

type Terminal = Pick<WriteStream, 'isTTY' | 'columns'> & { readonly write: (text: string) => unknown };

/** The shortest time between two repaints. */
const repaintMs = 100;
const clear = '\r\u001b[2K';

/** Opens a status line. Shows nothing in CI, where logs keep every byte, and if stderr is not a terminal, or a dumb one. */
export function openStatusLine(
  terminal: Terminal,
  environment: Readonly<Record<string, string | undefined>>,
): StatusLine {
  const isSilent = !terminal.isTTY || environment.CI !== undefined || environment.TERM === 'dumb';
  if (isSilent) {
    return {
      show: () => undefined,
      interrupt: (write) => {
        write();
      },
    };
  }
  let text = '';
  let paintedAt = 0;
  let isPainted = false;
  const paint = (): void => {
    const width = Math.max(10, (terminal.columns || 80) - 1);
    terminal.write(`${clear}${text.slice(0, width)}`);
    isPainted = true;
  };
  const erase = (): void => {
    if (isPainted) terminal.write(clear);
    isPainted = false;
  };
  // Otherwise the line would remain in front of the shell's next prompt.
  process.once('exit', erase);
  return {
    show: (next) => {
      text = next;
      if (text === '') erase();
      else if (performance.now() - paintedAt >= repaintMs || !isPainted) {
        paintedAt = performance.now();
        paint();
      }
    },
    interrupt: (write) => {
      erase();
      write();
    },
  };
}
