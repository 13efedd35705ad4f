/** Splits a stream into lines, with a limit: a task that finds the stream could write to it without end. */
import type { Readable } from 'node:stream';

/** Calls `line` for each line, and `tooLong` with its beginning, once, for one of more bytes than the limit. */
export function readLines(
  stream: Readable,
  limit: number,
  { line, tooLong }: { readonly line: (text: string) => void; readonly tooLong: (start: string) => void },
): void {
  let rest = '';
  let isOver = false;
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    if (isOver) return;
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const text of lines) line(text);
    if (rest.length > limit) {
      isOver = true;
      tooLong(rest.slice(0, limit));
    }
  });
  stream.on('end', () => {
    if (rest !== '' && !isOver) line(rest);
  });
}
