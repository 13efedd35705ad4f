/** Reads YAML as maps, lists and words with positions. Collects every error with its line and column. */
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Node } from 'yaml';
import { formatHint } from './near-word.js';
import { accept, quote, refuse, type Result } from './result.js';

/** A file that is being read, and the errors found so far. */
export interface YamlSource {
  readonly file: string;
  readonly lines: LineCounter;
  readonly faults: { readonly offset: number; readonly text: string }[];
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
  try {
    const document = parseDocument(text, {
      lineCounter: lines,
      schema: 'failsafe',
      uniqueKeys: false, // readMap() has a better message
      prettyErrors: false,
    });
    for (const { code, message, pos } of [...document.errors, ...document.warnings]) {
      const text = `cannot read YAML: ${reasons[code] ?? reasons[message] ?? message}`;
      // The yaml package reports an unclosed bracket again for each list and map around it.
      if (source.faults.some((known) => known.offset === pos[0] && known.text === text)) continue;
      addFault(source, pos[0], text);
    }
    return { source, root: { offset: document.contents?.range[0] ?? 0, node: document.contents } };
  } catch (error) {
    // The parser of the yaml package recurses, so a hundred thousand brackets overflow the stack.
    if (!(error instanceof RangeError)) throw error;
    addFault(source, 0, 'cannot read YAML: lists or maps are nested too deeply');
    return { source, root: { offset: 0, node: null } };
  }
}

/** Replacements, by code or message, for messages of the yaml package that do not say what to do. */
const reasons: Readonly<Record<string, string>> = {
  MULTIPLE_DOCS: 'a second document starts here',
  TAB_AS_INDENT: 'the line starts with a tab; indent with spaces',
  'Maximum call stack size exceeded': 'lists or maps are nested too deeply',
  // The code BLOCK_AS_IMPLICIT_KEY has several messages.
  'Nested mappings are not allowed in compact mappings':
    'a second ": " on one line; quote a value that contains one, or put it on lines of its own after |',
};

export function addFault(source: YamlSource, offset: number, text: string): void {
  source.faults.push({ offset, text });
}

/** Returns `value`, or a refusal with every error in the order of the file: `FILE:LINE:COLUMN: MESSAGE`. */
export function finishReading<T>(source: YamlSource, value: T): Result<T> {
  if (source.faults.length === 0) return accept(value);
  const sorted = [...source.faults].sort((a, b) => a.offset - b.offset);
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
  { node, offset }: Located,
  what: string,
  allowed?: readonly string[],
): ReadonlyMap<string, Entry> | undefined {
  if (!isMap(node)) {
    addFault(
      source,
      offset,
      `cannot accept ${what} ${describeNode(node)}: it must be a map of keys and values`,
    );
    return undefined;
  }
  const entries = new Map<string, Entry>();
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
      addFault(
        source,
        keyOffset,
        `cannot accept key ${quote(key)} in ${what}: it must be one of ${allowed.join(', ')}${formatHint(key, allowed)}`,
      );
    } else if (before !== undefined) {
      const line = source.lines.linePos(before.keyOffset).line;
      addFault(source, keyOffset, `cannot accept key ${quote(key)} in ${what}: duplicate of line ${line}`);
    } else {
      entries.set(key, { key, keyOffset, node: value, offset: value?.range?.[0] ?? keyOffset });
    }
  }
  return entries;
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

/** Describes a node for a message. */
function describeNode(node: Node | null): string {
  // In the failsafe schema a key without a value has empty text, like `""`, which is quoted in the file.
  const isNothing = isScalar(node) && node.value === '' && node.type === 'PLAIN';
  if (isScalar(node) && typeof node.value === 'string' && !isNothing) return quote(node.value);
  if (isMap(node)) return '(a map)';
  if (isSeq(node)) return '(a list)';
  // Aliases are not resolved, because nested aliases can exhaust the memory.
  if (isAlias(node)) return `${quote(`*${node.source}`)} (an alias; write it out)`;
  return '(nothing)';
}
