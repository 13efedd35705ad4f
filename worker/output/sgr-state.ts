/** Follows the colors and styles that escape sequences set in a log (ECMA-48, 8.3.117, SGR). */

const escape = 0x1b;
/** A longer sequence is not a color. */
const maxSequenceBytes = 64;
const resetStarts = [Buffer.from('\u001b[0'), Buffer.from('\u001b[m')];
const reset = /^\u001b\[0?(?:;[0-9;:]*)?m/;
/** How many sequences that only look like a reset are tried before the whole part is parsed. */
const maxResetTries = 8;

/** The styles that are on. */
export class SgrState {
  /** the parameter that turns a style off, and the parameters that turned it on */
  readonly #styles = new Map<number, string>();
  /** the start of a sequence at the end of the bytes so far */
  #pending = '';

  /** Reads the next bytes of the log. */
  advance(bytes: Buffer): void {
    if (this.#pending === '' && bytes.indexOf(escape) < 0) return;
    const lastReset = findLastReset(bytes);
    if (lastReset !== undefined) this.#styles.clear();
    const text =
      lastReset === undefined
        ? this.#pending + bytes.toString('latin1')
        : bytes.toString('latin1', lastReset);
    for (const [, parameters = ''] of text.matchAll(/\u001b\[([0-9;:]*)m/g)) this.#apply(parameters);
    const last = text.lastIndexOf('\u001b');
    const rest = last < 0 || text.length - last > maxSequenceBytes ? '' : text.slice(last);
    this.#pending = /^\u001b(?:\[[0-9;:]*)?$/.test(rest) ? rest : '';
  }

  /** Returns the parameters that turn on the same styles, as in `1;31`. */
  toString(): string {
    return [...this.#styles.values()].join(';');
  }

  #apply(parameters: string): void {
    const parts = parameters.split(';');
    for (let i = 0; i < parts.length; i++) {
      const part = parts[i] ?? '';
      const code = parseInt(part, 10) || 0;
      const off = offCode(code);
      // `38;5;N` and `38;2;R;G;B`; with colons, one part has all of it.
      const isExtended = (code === 38 || code === 48 || code === 58) && !part.includes(':');
      const length = isExtended ? (parts[i + 1] === '5' ? 3 : 5) : 1;
      if (code === 0) this.#styles.clear();
      else if (off === undefined) this.#styles.delete(code);
      else this.#styles.set(off, parts.slice(i, i + length).join(';'));
      i += length - 1;
    }
  }
}

/** Returns the parameter that undoes `code`, or undefined if it turns nothing on. */
function offCode(code: number): number | undefined {
  if (code === 1 || code === 2) return 22;
  if (code === 5 || code === 6) return 25;
  if (code === 21) return 24;
  if (code >= 3 && code <= 9) return code + 20;
  if ((code >= 30 && code <= 38) || (code >= 90 && code <= 97)) return 39;
  if ((code >= 40 && code <= 48) || (code >= 100 && code <= 107)) return 49;
  if (code === 53) return 55;
  return code === 58 ? 59 : undefined;
}

/** Returns the offset of the last sequence that turns everything off, since nothing before it matters. */
function findLastReset(bytes: Buffer): number | undefined {
  let found: number | undefined;
  for (const start of resetStarts) {
    let at = bytes.lastIndexOf(start);
    for (let tries = 0; tries < maxResetTries && at > (found ?? -1); tries++) {
      if (reset.test(bytes.toString('latin1', at, at + maxSequenceBytes))) {
        found = at;
        break;
      }
      at = at === 0 ? -1 : bytes.lastIndexOf(start, at - 1);
    }
  }
  return found;
}
