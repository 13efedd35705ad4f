/** One passing line at the bottom of a terminal that tells what is going on now; nothing at all anywhere else. */
import type { WriteStream } from 'node:tty';

export interface StatusLine {
  /** replaces the line; an empty text takes it away */
  readonly show: (text: string) => void;
  /** writes something that stays, with the line out of its way */
  readonly interrupt: (write: () => void) => void;
}

type Terminal = Pick<WriteStream, 'isTTY' | 'columns'> & { readonly write: (text: string) => unknown };

/** More often than this nobody can read it. */
const repaintMs = 100;
const clear = '\r\u001b[2K';

/** CI logs keep every byte: there it is silent, and where the terminal is a file, a pipe, or too dumb to go back. */
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
  // What is left there when the process ends would stand before the shell's next prompt.
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
