/** How programs write one character of a text. Pure. */
import { htmlName } from './html-names.js';
import {
  anyCase,
  bytesOf,
  compileSpelling,
  many,
  oneOf,
  optional,
  sequence,
  type Spelling,
  type SpellingState,
} from './spelling-graph.js';

/** Which forms a text can have. */
export interface SpellingRules {
  /**
   * Whether a space can be a line break with indentation, as YAML folds a text, and a line break can be followed by
   * indentation. A short value would match unrelated text.
   */
  readonly isFoldable: boolean;
}

/** A position of a pattern: one character, and what can precede it. */
export interface SpelledUnit {
  /** the character and what can precede it, such as a line break in base64 */
  readonly first: SpellingState;
  /** the character alone */
  readonly core: SpellingState;
  /** the longest spelling that is searched for; loops, such as a row of backslashes, can make longer ones */
  readonly maxBytes: number;
  /** the shortest spelling of the character alone */
  readonly minBytes: number;
  /** whether the character has one spelling, of one byte */
  readonly isPlain: boolean;
}

/** For each byte of UTF-8. Enough for a byte that zsh quotes and then quotes again. */
const maxSpecialBytes = 32;
const hex = (value: number, width = 0): Spelling => anyCase(value.toString(16).padStart(width, '0'));
const octal = (value: number): string => value.toString(8).padStart(3, '0');

// Text is often encoded twice, such as JSON within JSON or within a URL, so a prefix can itself be encoded, repeatedly.
const percent = sequence(bytesOf('%'), many(bytesOf('25')));
const semicolon = oneOf(bytesOf(';'), sequence(percent, anyCase('3b')));
const hash = oneOf(bytesOf('#'), sequence(percent, bytesOf('23')));
const amp = many(sequence(bytesOf('amp'), semicolon));
const backslash = oneOf(bytesOf('\\'), sequence(percent, anyCase('5c')));
const escape = sequence(backslash, many(backslash));
const ampersand = sequence(
  oneOf(
    bytesOf('&'),
    sequence(percent, bytesOf('26')),
    sequence(escape, oneOf(bytesOf('u0026'), bytesOf('x26'))),
  ),
  amp,
);
const htmlNumber = (value: number): Spelling =>
  sequence(
    ampersand,
    hash,
    oneOf(
      sequence(many(bytesOf('0')), bytesOf(String(value))),
      sequence(anyCase('x'), many(bytesOf('0')), hex(value)),
    ),
    semicolon,
  );

/** Letters that follow a backslash (C, JSON, Python, YAML, shells). */
const escapeLetters = new Map([
  [0x07, 'a'],
  [0x08, 'b'],
  [0x09, 't'],
  [0x0a, 'n'],
  [0x0b, 'v'],
  [0x0c, 'f'],
  [0x0d, 'r'],
  [0x1b, 'eE'],
  [0x2f, '/'],
  [0x85, 'N'],
  [0xa0, '_'],
  [0x2028, 'L'],
  [0x2029, 'P'],
]);
const asciiNames = new Map([
  [0x22, 'quot'],
  [0x26, 'amp'],
  [0x27, 'apos'],
  [0x3c, 'lt'],
  [0x3e, 'gt'],
]);

/** Returns whether every encoder writes the byte or character as it is. */
export const isPlain = (codePoint: number): boolean =>
  (codePoint >= 0x30 && codePoint <= 0x39) ||
  (codePoint >= 0x41 && codePoint <= 0x5a) ||
  (codePoint >= 0x61 && codePoint <= 0x7a);

/** Writes a control character as `cat -v` and zsh do. */
function caret(byte: number): Spelling {
  const low = byte & 0x7f;
  const isControl = low < 0x20 || low === 0x7f;
  const meta = byte >= 0x80 ? [sequence(optional(escape), bytesOf('M-'))] : [];
  const letter = String.fromCharCode(low ^ 0x40);
  const own = isControl
    ? [oneOf(bytesOf('^'), sequence(escape, bytesOf('C-'))), bytesOf(letter)]
    : [bytesOf(String.fromCharCode(low))];
  return sequence(...meta, ...own);
}

/** One byte of UTF-8, as URLs, C and git's quoted paths, quoted-printable, LDAP and syslog write it. */
const encodedByte = (byte: number): Spelling =>
  oneOf(
    bytesOf(String.fromCharCode(byte)),
    sequence(percent, hex(byte, 2)),
    sequence(bytesOf('='), hex(byte, 2)),
    sequence(
      escape,
      oneOf(
        bytesOf(octal(byte)),
        ...(byte < 0x20 ? [bytesOf(byte.toString(8))] : []),
        sequence(optional(bytesOf('x')), hex(byte, 2)),
        sequence(bytesOf('x['), many(bytesOf('0')), hex(byte), bytesOf(']')),
      ),
    ),
    ...(byte < 0x20 ? [bytesOf(`#${octal(byte)}`)] : []),
    ...(byte < 0x20 || byte >= 0x7f ? [caret(byte)] : []),
  );

/** A code point by its number, as programming languages, JSON, HTML and YAML write it. */
function numberedCharacter(codePoint: number): Spelling {
  const units = Array.from(String.fromCodePoint(codePoint)).join('');
  const pair = Array.from({ length: units.length }, (_, i) => hex(units.charCodeAt(i), 4));
  const braced = sequence(bytesOf('{'), many(bytesOf('0')), hex(codePoint), bytesOf('}'));
  const forms: Spelling[] = [
    sequence(...pair.flatMap((unit) => [escape, bytesOf('u'), unit])),
    sequence(...pair.flatMap((unit) => [percent, bytesOf('u'), unit])),
    sequence(escape, oneOf(bytesOf('u'), bytesOf('x')), braced),
    sequence(escape, bytesOf('u['), many(bytesOf('0')), hex(codePoint), bytesOf(']')),
    sequence(escape, bytesOf('U'), hex(codePoint, 8)),
    htmlNumber(codePoint),
  ];
  if (codePoint >= 0x80 && codePoint <= 0xff) {
    forms.push(sequence(escape, oneOf(bytesOf(octal(codePoint)), sequence(bytesOf('x'), hex(codePoint, 2)))));
    forms.push(sequence(percent, hex(codePoint, 2)));
  }
  const name = asciiNames.get(codePoint) ?? htmlName(codePoint);
  if (name !== undefined) forms.push(sequence(ampersand, bytesOf(name), semicolon));
  for (const letter of escapeLetters.get(codePoint) ?? '') forms.push(sequence(escape, bytesOf(letter)));
  return oneOf(...forms);
}

/** Ends or starts a quoted part of a shell word, or of a doubled quote in SQL and CSV. */
const quoteSwitch = many(
  oneOf(
    ...["'", '"'].map((c) => oneOf(bytesOf(c), sequence(percent, hex(c.charCodeAt(0), 2)))),
    ...["'", '"'].map((c) => sequence(escape, bytesOf('u00'), hex(c.charCodeAt(0), 2))),
    ...["'", '"'].map((c) => htmlNumber(c.charCodeAt(0))),
    ...['quot', 'apos'].map((name) => sequence(ampersand, bytesOf(name), semicolon)),
    bytesOf('$'),
    escape,
  ),
);
/** What follows a line break: indentation, `> ` of quoted text, or `+` and quotes of strings that are put together. */
const indentation = many(oneOf(...[' ', '\t', '\r', '\n', '+', '`', '>', '|', '#', '.', ','].map(bytesOf)));
const fold = sequence(
  optional(escape),
  optional(bytesOf('\r')),
  bytesOf('\n'),
  many(oneOf(bytesOf(' '), bytesOf('\t'), bytesOf('\n'), bytesOf('\\'))),
);

function specialCharacter(codePoint: number, { isFoldable }: SpellingRules): Spelling {
  const utf8 = [...Buffer.from(String.fromCodePoint(codePoint))];
  const forms = [
    sequence(...utf8.flatMap((byte, i) => [...(i === 0 ? [] : [quoteSwitch]), encodedByte(byte)])),
    numberedCharacter(codePoint),
  ];
  if (codePoint >= 0x20 && codePoint < 0x7f) {
    const own = bytesOf(String.fromCharCode(codePoint));
    forms.push(sequence(escape, own), sequence(own, own));
  }
  if (codePoint === 0x20) forms.push(bytesOf('+'), ...(isFoldable ? [fold] : []));
  const all = oneOf(...forms);
  if (codePoint !== 0x0a) return all;
  const carriageReturn = specialCharacter(0x0d, { isFoldable });
  const line = sequence(optional(sequence(carriageReturn, quoteSwitch)), all);
  return isFoldable ? sequence(line, many(oneOf(indentation, quoteSwitch))) : line;
}

type UnitSizes = Pick<SpelledUnit, 'minBytes' | 'maxBytes' | 'isPlain'>;

/** Compiles when first read: few units of a pattern are part of a seed, and few logs have a secret. */
class LazyUnit implements SpelledUnit {
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly isPlain: boolean;
  readonly #core: () => Spelling;
  readonly #first: (core: Spelling) => Spelling;
  #compiledCore: SpellingState | undefined;
  #compiledFirst: SpellingState | undefined;

  constructor(sizes: UnitSizes, core: () => Spelling, first: (core: Spelling) => Spelling) {
    this.minBytes = sizes.minBytes;
    this.maxBytes = sizes.maxBytes;
    this.isPlain = sizes.isPlain;
    this.#core = core;
    this.#first = first;
  }

  get core(): SpellingState {
    return (this.#compiledCore ??= compileSpelling(this.#core()));
  }

  get first(): SpellingState {
    return (this.#compiledFirst ??= compileSpelling(this.#first(this.#core())));
  }
}

/** The units of all patterns. Values have few different characters. */
const units = new Map<string, SpelledUnit>();
function unitFor(key: string, make: () => SpelledUnit): SpelledUnit {
  const unit = units.get(key) ?? make();
  units.set(key, unit);
  return unit;
}

/** Returns the units of a text, one for each character. `\r\n` counts as one line break. */
export function spellText(text: string, rules: SpellingRules): readonly SpelledUnit[] {
  let wasPlain = true;
  return Array.from(text.replaceAll('\r\n', '\n'), (character, i) => {
    const codePoint = character.codePointAt(0) ?? 0;
    const plain = isPlain(codePoint);
    const canSwitch = i > 0 && !(plain && wasPlain);
    wasPlain = plain;
    return unitFor(`${canSwitch ? 'switch' : ''}${rules.isFoldable ? 'fold' : ''} ${character}`, () => {
      // No spelling is shorter than UTF-8, but a line break and a space have forms of any length.
      const minBytes = codePoint < 0x80 ? 1 : Buffer.byteLength(character);
      const maxBytes = plain ? (canSwitch ? maxSpecialBytes / 2 : 1) : maxSpecialBytes * minBytes;
      return new LazyUnit(
        { minBytes, maxBytes, isPlain: plain },
        () => (plain ? bytesOf(character) : specialCharacter(codePoint, rules)),
        (core) => (canSwitch ? sequence(quoteSwitch, core) : core),
      );
    });
  });
}

const slashes = sequence(bytesOf('\\'), many(bytesOf('\\')));
/** A break between two lines of base64 or hex. The text with the break can be in JSON, a URL or XML. */
const lineBreak = oneOf(
  sequence(
    many(bytesOf('\\')),
    optional(bytesOf('\r')),
    bytesOf('\n'),
    many(oneOf(bytesOf(' '), bytesOf('\t'), bytesOf('\r'), bytesOf('\n'))),
  ),
  sequence(optional(sequence(slashes, bytesOf('r'))), slashes, bytesOf('n')),
  sequence(optional(anyCase('%0d')), anyCase('%0a')),
  sequence(optional(anyCase('&#xd;')), anyCase('&#xa;')),
  sequence(optional(bytesOf('&#13;')), bytesOf('&#10;')),
);
/** Lines have 16 or more characters, so this is plenty for each. */
const wrapBytes = 4;

/** Returns the units of base64 or base32, which programs wrap into lines. `+` and `/` have their forms of RFC 4648, 5. */
export const spellEncoded = (encoded: string): readonly SpelledUnit[] =>
  Array.from(encoded, (character) =>
    unitFor(`encoded ${character}`, () => {
      const plain = isPlain(character.charCodeAt(0));
      return new LazyUnit(
        { minBytes: 1, maxBytes: (plain ? 1 : maxSpecialBytes) + wrapBytes, isPlain: plain },
        () => (plain ? bytesOf(character) : encodedSign(character)),
        (core) => sequence(optional(lineBreak), core),
      );
    }),
  );

function encodedSign(sign: string): Spelling {
  const code = sign.charCodeAt(0);
  return oneOf(
    bytesOf(sign),
    bytesOf(sign === '+' ? '-' : '_'),
    sequence(slashes, oneOf(bytesOf(sign), sequence(bytesOf('u'), hex(code, 4)))),
    sequence(percent, hex(code, 2)),
    htmlNumber(code),
  );
}

/** What is between two bytes in hex: nothing (`xxd -p`), a space (`od -tx1`, `hexdump -C`), or a colon (openssl). */
const hexSeparators: readonly (readonly [name: string, spelling: Spelling])[] = [
  ['none', bytesOf('')],
  ['space', sequence(bytesOf(' '), optional(bytesOf(' ')))],
  ['colon', bytesOf(':')],
];

/** Returns the ways in which all of the bytes can be written in hex. Lines can end between any two bytes. */
export const spellHex = (bytes: Uint8Array): readonly (readonly SpelledUnit[])[] =>
  hexSeparators.map(([name, separator]) =>
    Array.from(bytes, (byte, i) =>
      unitFor(`hex ${i > 0 ? name : 'first'} ${byte}`, () => {
        const digits = hex(byte, 2);
        return new LazyUnit(
          { minBytes: 2, maxBytes: 2 + 2 * wrapBytes, isPlain: false },
          () => sequence(i > 0 ? separator : bytesOf(''), digits),
          (core) => oneOf(core, sequence(optional(separator), lineBreak, optional(separator), digits)),
        );
      }),
    ),
  );
