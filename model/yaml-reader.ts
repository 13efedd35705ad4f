/** Reads YAML as maps, lists and words with positions. Collects every error of a well-formed file with its line and column. */
import { isAlias, isMap, isScalar, isSeq, Lexer, LineCounter, parseDocument, Parser, type Node } from 'yaml';
import { formatHint } from './near-word.js';
import { accept, quote, refuse, type Result } from './result.js';

/** A file that is being read, and the errors found so far. */
export interface YamlSource {
  readonly file: string;
  readonly lines: LineCounter;
  readonly faults: Fault[];
}

interface Fault extends FaultKeys {
  readonly offset: number;
  readonly text: string;
}

/** The keys that a fault is about. A key that is reported at a wrong place is not reported as missing elsewhere. */
interface FaultKeys {
  readonly misplaced?: readonly string[];
  readonly missing?: readonly string[];
}

/** A value with its position. `offset` counts characters from the start of the file. */
export interface Located {
  readonly offset: number;
  readonly node: Node | null;
}

export interface Entry extends Located {
  readonly key: string;
  readonly keyOffset: number;
}

/** The size limit. Real files have a few thousand characters. */
const maxCharacters = 1_000_000;

/** How deep maps and lists can be nested. Real files have 6 levels. */
const maxDepth = 100;

/**
 * Parses one document with YAML's failsafe schema, in which every scalar is text as written: `yes`, `1.10` and
 * `2026-01-13` go to the parser of their key.
 */
export function readYaml(
  text: string,
  file: string,
): { readonly source: YamlSource; readonly root: Located } {
  const lines = new LineCounter();
  const source: YamlSource = { file, lines, faults: [] };
  if (text.length > maxCharacters) {
    lines.addNewLine(0);
    addFault(source, 0, `cannot read the file: it is larger than ${maxCharacters} characters`);
    return { source, root: { offset: 0, node: null } };
  }
  const tooDeep = findDeepNesting(text);
  if (tooDeep !== undefined) {
    lines.addNewLine(0);
    for (const { index } of text.slice(0, tooDeep).matchAll(/\n/g)) lines.addNewLine(index + 1);
    addFault(
      source,
      tooDeep,
      `cannot read YAML: lists or maps are nested too deeply: the limit is ${maxDepth}`,
    );
    return { source, root: { offset: 0, node: null } };
  }
  const document = parseDocument(text, {
    lineCounter: lines,
    schema: 'failsafe',
    uniqueKeys: false, // readMap() has a better message
    prettyErrors: false,
  });
  // After the first error, the yaml package guesses: a missing brace is followed by an error for each later line.
  const [first] = [...document.errors, ...document.warnings].sort((a, b) => a.pos[0] - b.pos[0]);
  if (first !== undefined) {
    const reason = reasons[first.code] ?? reasons[first.message] ?? first.message;
    addFault(source, first.pos[0], `cannot read YAML: ${reason}`);
  }
  return { source, root: { offset: document.contents?.range[0] ?? 0, node: document.contents } };
}

/**
 * Returns where maps and lists are nested deeper than the limit, or undefined. parseDocument() recurses: a hundred
 * thousand brackets overflow the stack, and a few files of thousands of brackets abort V8 without an exception. The
 * parser of tokens does not recurse.
 */
function findDeepNesting(text: string): number | undefined {
  const parser = new Parser();
  for (const lexeme of new Lexer().lex(text)) {
    // A generator does nothing until it is read.
    Array.from(parser.next(lexeme));
    // The stack also has the document and the scalar.
    const depth = parser.stack.filter(({ type }) => collections.has(type)).length;
    if (depth > maxDepth) return parser.offset;
  }
  return undefined;
}

const collections: ReadonlySet<string> = new Set(['block-map', 'block-seq', 'flow-collection']);

/** Replacements, by code or message, for messages of the yaml package that do not say what to do. */
const reasons: Readonly<Record<string, string>> = {
  MULTIPLE_DOCS: 'a second document starts here',
  TAB_AS_INDENT: 'the line starts with a tab; indent with spaces',
  'Implicit keys need to be on a single line':
    'this key has several lines; a ":" may be missing at the end of its first line',
  'Flow map in block collection must be sufficiently indented and end with a }':
    'a "{" before this is not closed',
  'Flow sequence in block collection must be sufficiently indented and end with a ]':
    'a "[" before this is not closed',
  // The code BLOCK_AS_IMPLICIT_KEY has several messages.
  'Nested mappings are not allowed in compact mappings':
    'a second ": " on one line; quote a value that contains one, or put it on lines of its own after |',
};

export function addFault(source: YamlSource, offset: number, text: string, keys: FaultKeys = {}): void {
  source.faults.push({ offset, text, ...keys });
}

/** Returns `value`, or a refusal with every error in the order of the file: `FILE:LINE:COLUMN: MESSAGE`. */
export function finishReading<T>(source: YamlSource, value: T): Result<T> {
  if (source.faults.length === 0) return accept(value);
  const misplaced = new Set(source.faults.flatMap((fault) => fault.misplaced ?? []));
  const sorted = source.faults
    .filter(({ missing = [] }) => !missing.some((key) => misplaced.has(key)))
    .sort((a, b) => a.offset - b.offset);
  return refuse(
    sorted
      .map(({ offset, text }) => {
        const { line, col } = source.lines.linePos(offset);
        return `${source.file}:${Math.max(1, line)}:${Math.max(1, col)}: ${text}`;
      })
      .join('\n'),
  );
}

/** Reads the entries of a map by key. A duplicate key, or one that is not `allowed`, is an error. */
export function readMap(
  source: YamlSource,
  located: Located | Entry,
  what: string,
  allowed?: readonly string[],
): ReadonlyMap<string, Entry> | undefined {
  const { node, offset } = located;
  if (!isMap(node)) {
    addFault(
      source,
      offset,
      `cannot accept ${what} ${describeNode(node)}: it must be a map of keys and values`,
      'key' in located ? { misplaced: [located.key] } : {},
    );
    return undefined;
  }
  const entries = new Map<string, Entry>();
  const unknown: Pick<Entry, 'key' | 'keyOffset'>[] = [];
  for (const pair of node.items) {
    const keyNode = pair.key as Node | null;
    const keyOffset = keyNode?.range?.[0] ?? offset;
    if (!isScalar(keyNode) || typeof keyNode.value !== 'string') {
      addFault(source, keyOffset, `cannot accept a key of ${what}: it must be a word`);
      continue;
    }
    const key = keyNode.value;
    const value = pair.value as Node | null;
    const before = entries.get(key);
    if (allowed !== undefined && !allowed.includes(key)) {
      unknown.push({ key, keyOffset });
      // Most likely the key has a wrong indent, and the keys after it are its own.
      if (isNothing(value)) break;
    } else if (before !== undefined) {
      const line = source.lines.linePos(before.keyOffset).line;
      addFault(source, keyOffset, `cannot accept key ${quote(key)} in ${what}: duplicate of line ${line}`);
    } else {
      entries.set(key, { key, keyOffset, node: value, offset: value?.range?.[0] ?? keyOffset });
    }
  }
  if (allowed !== undefined && unknown.length > 0) addUnknownKeys(source, what, { unknown, allowed });
  return entries;
}

/** Adds one fault for all unknown keys of a map, since a wrong indent makes several. */
function addUnknownKeys(
  source: YamlSource,
  what: string,
  {
    unknown,
    allowed,
  }: { readonly unknown: readonly Pick<Entry, 'key' | 'keyOffset'>[]; readonly allowed: readonly string[] },
): void {
  const [first, ...others] = unknown;
  if (first === undefined) return;
  const names = allowed.join(', ');
  const { key, keyOffset } = first;
  const keys = [
    quote(key),
    ...others.map((other) => `${quote(other.key)} (line ${source.lines.linePos(other.keyOffset).line})`),
  ];
  const text =
    others.length === 0
      ? `cannot accept key ${quote(key)} in ${what}: it must be one of ${names}${formatHint(key, allowed)}`
      : `cannot accept keys ${keys.join(', ')} in ${what}: each must be one of ${names}${formatHint(key, allowed)}`;
  addFault(source, keyOffset, text, { misplaced: unknown.map((one) => one.key) });
}

/** Returns whether a value is a map. */
export const isMapEntry = ({ node }: Located): boolean => isMap(node);

/** Reads the items of a list. */
export function readList(source: YamlSource, { node, offset }: Located, what: string): Located[] | undefined {
  if (!isSeq(node)) {
    addFault(source, offset, `cannot accept ${what} ${describeNode(node)}: it must be a list`);
    return undefined;
  }
  return (node.items as (Node | null)[]).map((item) => ({ node: item, offset: item?.range?.[0] ?? offset }));
}

/** Reads a scalar with `parse`. A list, a map, an alias and an empty value are errors. */
export function readWord<T>(
  source: YamlSource,
  { node, offset }: Located,
  what: string,
  parse: (text: string) => Result<T>,
): T | undefined {
  if (!isScalar(node) || typeof node.value !== 'string') {
    addFault(source, offset, `cannot accept ${what} ${describeNode(node)}: it must be text`);
    return undefined;
  }
  if (node.value === '') {
    addFault(source, offset, `cannot accept ${what} "": it is empty`);
    return undefined;
  }
  const parsed = parse(node.value);
  if (parsed.ok) return parsed.value;
  addFault(source, offset, parsed.error);
  return undefined;
}

/** Returns whether a key has no value. In the failsafe schema it has empty text, like `""`, which is quoted in the file. */
export const isNothing = (node: Node | null): boolean =>
  node === null || (isScalar(node) && node.value === '' && node.type === 'PLAIN');

/** Describes a node for a message. */
function describeNode(node: Node | null): string {
  if (isScalar(node) && typeof node.value === 'string' && !isNothing(node)) return quote(node.value);
  if (isMap(node)) return '(a map)';
  if (isSeq(node)) return '(a list)';
  // Aliases are not resolved, because nested aliases can exhaust the memory.
  if (isAlias(node)) return `${quote(`*${node.source}`)} (an alias; write it out)`;
  return '(nothing)';
}
