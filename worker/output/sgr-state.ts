/** Follows the colors and styles that escape sequences set in a log (ECMA-48, 8.3.117, SGR). */

const escape = 0x1b;
const [bracket, zero, nine, colon, semicolon, final] = [0x5b, 0x30, 0x39, 0x3a, 0x3b, 0x6d];
/** The largest parameter that turns a style off. */
const maxOffCode = 59;
/** A longer sequence is not a color. */
const maxSequenceBytes = 64;
const resetStarts = [Buffer.from('\u001b[0'), Buffer.from('\u001b[m')];
const reset = /^\u001b\[0?(?:;[0-9;:]*)?m/;
/** How many sequences that only look like a reset are tried before the whole part is parsed. */
const maxResetTries = 8;

/** The styles that are on. */
export class SgrState {
  /** the parameters that turned a style on, by the parameter that turns it off; 0: it is off */
  readonly #styles: (number | string)[] = new Array<number>(maxOffCode + 1).fill(0);
  /** the start of a sequence at the end of the bytes so far */
  #pending: Buffer = Buffer.alloc(0);

  /** Reads the next bytes of the log. */
  advance(bytes: Buffer): void {
    if (this.#pending.length === 0 && bytes.indexOf(escape) < 0) return;
    const all = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes]);
    this.#pending = Buffer.alloc(0);
    const lastReset = findLastReset(all);
    if (lastReset !== undefined) this.#styles.fill(0);
    for (let at = all.indexOf(escape, lastReset ?? 0); at >= 0; at = all.indexOf(escape, at + 1)) {
      const end = endOfParameters(all, at);
      if (end === all.length && end - at <= maxSequenceBytes) this.#pending = Buffer.from(all.subarray(at));
      else if (all[end] === final && end > at + 1) this.#apply(all, at + 2, end);
    }
  }

  /** Returns the parameters that turn on the same styles, as in `1;31`. */
  toString(): string {
    return this.#styles.filter((style) => style !== 0).join(';');
  }

  /** Applies the parameters from `start` to `end`. */
  #apply(bytes: Buffer, start: number, end: number): void {
    let code = 0;
    for (let at = start; at <= end; at++) {
      const byte = bytes[at] ?? 0;
      if (byte >= zero && byte <= nine) {
        code = code * 10 + byte - zero;
        continue;
      }
      if (byte === colon || isExtended(code)) {
        this.#applyText(bytes.toString('latin1', start, end));
        return;
      }
      this.#set(code, code);
      code = 0;
    }
  }

  /** Applies parameters of which some span several numbers: `38;5;N` and `38;2;R;G;B`, or one part with colons. */
  #applyText(parameters: string): void {
    const parts = parameters.split(';');
    for (let i = 0; i < parts.length; i++) {
      const part = parts[i] ?? '';
      const code = parseInt(part, 10) || 0;
      const length = isExtended(code) && !part.includes(':') ? (parts[i + 1] === '5' ? 3 : 5) : 1;
      this.#set(code, parts.slice(i, i + length).join(';'));
      i += length - 1;
    }
  }

  #set(code: number, parameters: number | string): void {
    const off = offCode(code);
    if (code === 0) this.#styles.fill(0);
    else if (off !== undefined) this.#styles[off] = parameters;
    else if (code <= maxOffCode) this.#styles[code] = 0;
  }
}

const isExtended = (code: number): boolean => code === 38 || code === 48 || code === 58;

/** Returns the offset of the first byte after the parameters of the sequence at `at`, or `at + 1` if it has none. */
function endOfParameters(bytes: Buffer, at: number): number {
  let end = at + 1;
  if (end < bytes.length && bytes[end] !== bracket) return end;
  for (end += 1; end < bytes.length; end++) {
    const byte = bytes[end] ?? 0;
    if (byte < zero || byte > semicolon) return end;
  }
  return bytes.length;
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
