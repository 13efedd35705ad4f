/**
 * Renders text as a terminal shows it in the end: programs rewrite a line with carriage returns, backspaces and escape
 * sequences, as progress bars do. Pure.
 */

/** A terminal has no more columns. What is printed beyond them is kept as it is. */
const maxColumns = 10_000;
const tabColumns = 8;
/** Characters of two columns (Unicode, UAX 11). */
const wide =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}\p{Emoji_Presentation}]$/u;
/** The second cell of such a character. */
const secondHalf = '';

/**
 * Returns each line of a text as it is shown in the end, without escape sequences. Movements to other lines are ignored,
 * since a log has no screen.
 */
export function renderTerminalText(text: string): string {
  return text.split('\n').map(renderTerminalLine).join('\n');
}

/** Returns a line as it is shown in the end. `line` has no line end. */
export function renderTerminalLine(line: string): string {
  // A carriage return before the line end changes nothing.
  const given = line.replace(/\r+$/, '');
  if (!/[\r\b\u001b\u009b]/.test(given)) return given;
  const row = new Row();
  for (const [token] of given.matchAll(tokenPattern)) row.print(token);
  return row.toString();
}

/** Escape sequences (ECMA-48, 5.4; OSC and DCS up to their end), or one character. */
const tokenPattern =
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]?|\u001b[\]PX^_][^\u0007\u001b]*(?:\u0007|\u001b\\)?|\u001b[ -/]*[0-~]?|[^]/gu;

const blanks = (count: number): readonly string[] => Array.from({ length: count }, () => ' ');

class Row {
  readonly #cells: string[] = [];
  #column = 0;
  #saved = 0;

  print(token: string): void {
    if (token === '\r') this.#column = 0;
    else if (token === '\b') this.#column = Math.max(0, this.#column - 1);
    else if (token === '\t' && this.#column < this.#cells.length) {
      this.#moveTo((Math.floor(this.#column / tabColumns) + 1) * tabColumns);
    } else if (token.startsWith('\u001b') || token.startsWith('\u009b')) this.#control(token);
    else if (/^\p{M}$/u.test(token) && this.#column > 0) {
      this.#cells[this.#column - 1] = (this.#cells[this.#column - 1] ?? ' ') + token;
    } else this.#put(token);
  }

  toString(): string {
    return this.#cells.join('').trimEnd();
  }

  #put(character: string): void {
    while (this.#cells.length < this.#column) this.#cells.push(' ');
    const columns = wide.test(character) ? 2 : 1;
    this.#splitWide(this.#column);
    this.#splitWide(this.#column + columns);
    this.#cells[this.#column] = character;
    if (columns === 2) this.#cells[this.#column + 1] = secondHalf;
    this.#column += columns;
  }

  /** Half of a wide character cannot be shown. */
  #splitWide(column: number): void {
    if (this.#cells[column] === secondHalf) this.#cells.splice(column - 1, 2, ' ', ' ');
  }

  #moveTo(column: number): void {
    this.#column = Math.max(0, Math.min(column, maxColumns));
  }

  #control(sequence: string): void {
    if (sequence === '\u001b7') this.#saved = this.#column;
    if (sequence === '\u001b8') this.#column = this.#saved;
    const [, parameters = '', command] = /^(?:\u001b\[|\u009b)([0-9;]*)([@-~])$/.exec(sequence) ?? [];
    const given = parseInt(parameters, 10);
    const count = Math.min(Number.isNaN(given) || given === 0 ? 1 : given, maxColumns);
    switch (command) {
      case 'C': // cursor forward
      case 'a':
        this.#moveTo(this.#column + count);
        break;
      case 'D': // cursor back
        this.#moveTo(this.#column - count);
        break;
      case 'G': // cursor to a column
      case '`':
        this.#moveTo(count - 1);
        break;
      case 'E': // start of a line below or above
      case 'F':
        this.#column = 0;
        break;
      case 'H': // cursor to a row and column
      case 'f':
        this.#moveTo((parseInt(parameters.split(';')[1] ?? '', 10) || 1) - 1);
        break;
      case 'K': // erase in line
        this.#erase(given || 0);
        break;
      case 'J': // erase in display
        this.#erase(given === 3 ? 0 : given || 0);
        break;
      case 'P': // delete characters
        this.#cells.splice(this.#column, count);
        break;
      case 'X': // erase characters
        this.#blank(this.#column, this.#column + count);
        break;
      case '@': // insert blanks
        if (this.#column < this.#cells.length) this.#cells.splice(this.#column, 0, ...blanks(count));
        break;
      case undefined:
        break;
      case 's':
        this.#saved = this.#column;
        break;
      case 'u':
        this.#column = this.#saved;
        break;
    }
  }

  /** 0: to the end; 1: from the start to the cursor; 2: all. */
  #erase(part: number): void {
    if (part === 0) this.#cells.splice(this.#column);
    else if (part === 1) this.#blank(0, this.#column + 1);
    else if (part === 2) this.#cells.splice(0);
  }

  #blank(from: number, to: number): void {
    for (let i = from; i < Math.min(to, this.#cells.length); i++) this.#cells[i] = ' ';
  }
}
