/** YAML text -> located maps, lists and words; every fault is kept with its line and column, none ends the reading. */
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Node } from 'yaml';
import { hintFor } from './near-word.js';
import { accept, quote, refuse, type Result } from './result.js';

/** A file under reading: where its lines begin, and what was found wrong so far. */
export interface YamlSource {
  readonly file: string;
  readonly lines: LineCounter;
  readonly faults: { readonly offset: number; readonly text: string }[];
}

/** A value and where it stands. `offset` counts characters from the start of the file. */
export interface Located {
  readonly offset: number;
  readonly node: Node | null;
}

export interface Entry extends Located {
  readonly key: string;
  readonly keyOffset: number;
}

/** The largest file that is read: a list of jobs is a page or two. */
const largestCharacters = 1_000_000;

/**
 * Reads one document with YAML's failsafe schema, so that every scalar is the text that stands in the file: `yes`,
 * `1.10` and `2026-01-13` stay as written, and each meets the parser of its own key.
 */
export function readYaml(
  text: string,
  file: string,
): { readonly source: YamlSource; readonly root: Located } {
  const lines = new LineCounter();
  const source: YamlSource = { file, lines, faults: [] };
  if (text.length > largestCharacters) {
    lines.addNewLine(0);
    fault(source, 0, `cannot read the file: it is larger than ${largestCharacters} characters`);
    return { source, root: { offset: 0, node: null } };
  }
  try {
    const document = parseDocument(text, {
      lineCounter: lines,
      schema: 'failsafe',
      uniqueKeys: false, // readMap says it better
      prettyErrors: false,
    });
    for (const { code, message, pos } of [...document.errors, ...document.warnings]) {
      const text = `cannot read YAML: ${reasons[code] ?? reasons[message] ?? message}`;
      // One bracket that is not closed is told once for each list and map around it.
      if (source.faults.some((told) => told.offset === pos[0] && told.text === text)) continue;
      fault(source, pos[0], text);
    }
    return { source, root: { offset: document.contents?.range[0] ?? 0, node: document.contents } };
  } catch (error) {
    // The package's parser recurses: a hundred thousand brackets end the stack before they end the file.
    if (!(error instanceof RangeError)) throw error;
    fault(source, 0, 'cannot read YAML: lists or maps are nested too deeply');
    return { source, root: { offset: 0, node: null } };
  }
}

/** By code or message: where the package's own words do not tell whoever wrote the file what to do. */
const reasons: Readonly<Record<string, string>> = {
  MULTIPLE_DOCS: 'a second document begins here',
  TAB_AS_INDENT: 'a tab stands where the line begins; indent with blanks',
  // of the code BLOCK_AS_IMPLICIT_KEY, which has another fault too
  'Nested mappings are not allowed in compact mappings':
    'a second ": " in one line; put a value that has one in quotes, or after | on lines of its own',
};

export function fault(source: YamlSource, offset: number, text: string): void {
  source.faults.push({ offset, text });
}

/** What was read, or every fault in the order of the file: `FILE:LINE:COLUMN: sentence`. */
export function settle<T>(source: YamlSource, value: T): Result<T> {
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

/** The entries of a map by key. A key that is not `allowed` (where given), or that stands twice, is a fault. */
export function readMap(
  source: YamlSource,
  { node, offset }: Located,
  what: string,
  allowed?: readonly string[],
): ReadonlyMap<string, Entry> | undefined {
  if (!isMap(node)) {
    fault(source, offset, `cannot accept ${what} ${shown(node)}: it must be a map of keys and values`);
    return undefined;
  }
  const entries = new Map<string, Entry>();
  for (const pair of node.items) {
    const keyNode = pair.key as Node | null;
    const keyOffset = keyNode?.range?.[0] ?? offset;
    if (!isScalar(keyNode) || typeof keyNode.value !== 'string') {
      fault(source, keyOffset, `cannot accept a key of ${what}: it must be a word`);
      continue;
    }
    const key = keyNode.value;
    const value = pair.value as Node | null;
    const before = entries.get(key);
    if (allowed !== undefined && !allowed.includes(key)) {
      fault(
        source,
        keyOffset,
        `cannot accept key ${quote(key)} in ${what}: it must be one of ${allowed.join(', ')}${hintFor(key, allowed)}`,
      );
    } else if (before !== undefined) {
      const line = source.lines.linePos(before.keyOffset).line;
      fault(source, keyOffset, `cannot accept key ${quote(key)} in ${what}: line ${line} has it already`);
    } else {
      entries.set(key, { key, keyOffset, node: value, offset: value?.range?.[0] ?? keyOffset });
    }
  }
  return entries;
}

/** Whether a map stands there, where a word would do as well. */
export const isMapEntry = ({ node }: Located): boolean => isMap(node);

/** The items of a list. */
export function readList(source: YamlSource, { node, offset }: Located, what: string): Located[] | undefined {
  if (!isSeq(node)) {
    fault(source, offset, `cannot accept ${what} ${shown(node)}: it must be a list`);
    return undefined;
  }
  return (node.items as (Node | null)[]).map((item) => ({ node: item, offset: item?.range?.[0] ?? offset }));
}

/** A scalar's text through `parse`; a list, a map, an alias and an empty value are faults. */
export function readWord<T>(
  source: YamlSource,
  { node, offset }: Located,
  what: string,
  parse: (text: string) => Result<T>,
): T | undefined {
  if (!isScalar(node) || typeof node.value !== 'string') {
    fault(source, offset, `cannot accept ${what} ${shown(node)}: it must be text`);
    return undefined;
  }
  if (node.value === '') {
    fault(source, offset, `cannot accept ${what} "": it is empty`);
    return undefined;
  }
  const parsed = parse(node.value);
  if (parsed.ok) return parsed.value;
  fault(source, offset, parsed.error);
  return undefined;
}

/** A node for a message: its text, or what it is. */
function shown(node: Node | null): string {
  // A key without a value is the empty text to the failsafe schema; `""` stands in quotes in the file.
  const isNothing = isScalar(node) && node.value === '' && node.type === 'PLAIN';
  if (isScalar(node) && typeof node.value === 'string' && !isNothing) return quote(node.value);
  if (isMap(node)) return '(a map)';
  if (isSeq(node)) return '(a list)';
  // Nested aliases can stand for a file larger than memory, so none is followed.
  if (isAlias(node)) return `${quote(`*${node.source}`)} (an alias; write it out)`;
  return '(nothing)';
}
