/** Types of values in a YAML file. Each reads a value, and has a JSON Schema and a name for the manual. */
import { isScalar } from 'yaml';
import { parseByteCount, type ByteCountRule } from './byte-count.js';
import { parseDuration, type DurationRule } from './duration.js';
import { formatHint } from './near-word.js';
import { accept, quote, refuse, type Result } from './result.js';
import { readWord, type Entry, type Located, type YamlSource } from './yaml-reader.js';

export type JsonSchema = Readonly<Record<string, unknown>>;

export interface ValueType<T> {
  /**
   * Reads a value. Adds a fault to the source and returns undefined if the value is not valid. `what`: what messages
   * call the value, usually its key.
   */
  readonly read: (source: YamlSource, located: Located | Entry, what: string) => T | undefined;
  /** accepts every value that `read` accepts, and as few others as JSON Schema can express */
  readonly schema: JsonSchema;
  /** a noun for the manual */
  readonly label: string;
}

interface ParsedTextOptions<T> {
  readonly parse: (text: string, what: string) => Result<T>;
  /** what the whole text must match, without flags other than `u`; absent: any text */
  readonly pattern?: RegExp;
  readonly label: string;
}

/** Text that `parse` reads. Unquoted YAML numbers and booleans are text, too. */
export function parsedText<T>({ parse, pattern, label }: ParsedTextOptions<T>): ValueType<T> {
  const matches = (sample: string): boolean => pattern?.test(sample) ?? true;
  const types = ['string', ...(matches('5') ? ['number'] : []), ...(matches('true') ? ['boolean'] : [])];
  return {
    read: (source, located, what) => readWord(source, located, what, (text) => parse(text, what)),
    schema: {
      type: types.length === 1 ? 'string' : types,
      ...(pattern === undefined ? { minLength: 1 } : { pattern: pattern.source }),
    },
    label,
  };
}

/** Text that matches a pattern. `expected` completes the sentence "it must be ...". */
export function text(label: string, rule?: { pattern: RegExp; expected: string }): ValueType<string> {
  const parse = (value: string, what: string): Result<string> =>
    rule === undefined || rule.pattern.test(value)
      ? accept(value)
      : refuse(`cannot accept ${what} ${quote(value)}: it must be ${rule.expected}`);
  return parsedText({ parse, label, ...(rule && { pattern: rule.pattern }) });
}

/** One line of text for people, such as a title. */
export const oneLine = text('text', {
  pattern: /^[^\p{Cc}\u2028\u2029]{1,100}$/u,
  expected: 'one line of at most 100 characters',
});

/** Parses one word of a list of words. */
export function parseChoice<T extends string>(value: string, what: string, choices: readonly T[]): Result<T> {
  const found = choices.find((choice) => choice === value);
  if (found !== undefined) return accept(found);
  const hint = formatHint(value, choices);
  return refuse(`cannot accept ${what} ${quote(value)}: it must be one of ${choices.join(', ')}${hint}`);
}

export function choice<T extends string>(choices: readonly T[]): ValueType<T> {
  return {
    read: (source, located, what) =>
      readWord(source, located, what, (value) => parseChoice(value, what, choices)),
    schema: { enum: choices },
    label: choices.map((one) => `\`${one}\``).join(', '),
  };
}

/** `true` or `false`. Other YAML spellings, such as `yes`, are refused. */
export const flag: ValueType<boolean> = {
  read: (source, located, what) =>
    readWord(source, located, what, (value) =>
      value === 'true' || value === 'false'
        ? accept(value === 'true')
        : refuse(`cannot accept ${what} ${quote(value)}: it must be true or false`),
    ),
  schema: { enum: [true, false, 'true', 'false'] },
  label: '`true` or `false`',
};

interface Bounds {
  readonly min: number;
  /** Infinity: no limit except 9 digits */
  readonly max: number;
}

/** Parses decimal digits between two bounds, both included. */
export function parseWholeNumber(value: string, what: string, { min, max }: Bounds): Result<number> {
  const number = Number(value);
  if (/^0*[0-9]{1,9}$/.test(value) && number >= min && number <= max) return accept(number);
  const range = rangeText({ min, max });
  return refuse(`cannot accept ${what} ${quote(value)}: it must be a whole number ${range}`);
}

const rangeText = ({ min, max }: Bounds): string => `from ${min}${max === Infinity ? '' : ` to ${max}`}`;

export function wholeNumber(min: number, max = Infinity): ValueType<number> {
  const bounds = { min, max };
  return {
    read: (source, located, what) =>
      readWord(source, located, what, (value) => parseWholeNumber(value, what, bounds)),
    schema: {
      type: ['integer', 'string'],
      ...{ minimum: min, maximum: Math.min(max, 999_999_999), pattern: '^0*[0-9]{1,9}$' },
    },
    label: `number ${rangeText(bounds)}`,
  };
}

/** Seconds, written with units such as `1h30m`, or with one unit in the form `age`. */
export function duration(rule: DurationRule = {}): ValueType<number> {
  return parsedText({
    parse: (value, what) => parseDuration(value, what, rule),
    pattern: rule.form === 'age' ? agePattern : durationPattern,
    label: rule.form === 'age' ? 'age' : 'duration',
  });
}

const durationPattern = /^(?=.)([0-9]{1,9}d)?([0-9]{1,9}h)?([0-9]{1,9}m)?([0-9]{1,9}s)?$/;
const agePattern = /^[0-9]{1,9}[ywdhm]$/;

/** Bytes, as a plain number or with a unit. */
export function byteCount(rule: ByteCountRule = {}): ValueType<number> {
  const { needsUnit = false, minBytes = 0 } = rule;
  const pattern = needsUnit ? sizePattern : byteCountPattern;
  return {
    read: (source, located, what) =>
      readWord(source, located, what, (value) => parseByteCount(value, what, rule)),
    schema: needsUnit
      ? { type: 'string', pattern: pattern.source }
      : { type: ['integer', 'string'], minimum: minBytes, pattern: pattern.source },
    label: 'size',
  };
}

const sizePattern = /^[0-9]{1,15}( ?B|(\.[0-9]{1,6})? ?(kB|KB|MB|GB|TB|KiB|MiB|GiB|TiB))$/;
const byteCountPattern = /^[0-9]{1,15}( ?B?|(\.[0-9]{1,6})? ?(kB|KB|MB|GB|TB|KiB|MiB|GiB|TiB))$/;

/** Any text. A key without a value is the empty text. */
export const anyText: ValueType<string> = {
  read: (source, located, what) =>
    isScalar(located.node) && located.node.value === ''
      ? ''
      : readWord(source, located, what, (value) =>
          value.includes('\0') ? refuse(`cannot accept ${what}: it has a NUL character`) : accept(value),
        ),
  schema: { type: ['string', 'number', 'boolean', 'null'], pattern: '^[^\\u0000]*$' },
  label: 'text',
};
