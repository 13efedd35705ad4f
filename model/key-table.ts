/** Tables of the keys of a YAML file. One table drives the parser, the JSON Schema and the reference in the manual. */
import { isScalar, parse as parseYaml } from 'yaml';
import { quote, valueOf } from './result.js';
import type { JsonSchema, ValueType } from './value-type.js';
import {
  addFault,
  readMap,
  readYaml,
  finishReading,
  type Entry,
  type Located,
  type YamlSource,
} from './yaml-reader.js';

/** One key: how its value is read, and what the schema and the manual say about it. */
export interface Key<T = unknown> {
  readonly type: ValueType<T>;
  readonly isRequired?: boolean;
  /** what messages call the value; absent: the key */
  readonly what?: string;
  /** one or more plain sentences, in Markdown */
  readonly doc: string;
  /** the value that applies without the key, as written in the file */
  readonly default?: string;
  /** what applies without the key, if that cannot be written as a value */
  readonly otherwise?: string;
  /** a value, as written in the file on one line */
  readonly example: string;
}

export type Keys = Readonly<Record<string, Key>>;

/** A key that excludes other keys. With `pattern`, only if its value matches; with `isTrue`, only if it is true. */
interface Conflict {
  readonly key: string;
  readonly pattern?: RegExp;
  readonly isTrue?: true;
  readonly excludes: readonly string[];
  /** completes `cannot accept key "pull": ...` */
  readonly reason: string;
}

export interface KeyTable<K extends Keys> {
  readonly keys: K;
  /** pairs of which exactly one key must be present */
  readonly alternatives?: readonly (readonly [string, string])[];
  readonly conflicts?: readonly Conflict[];
}

/** Returns the table unchanged. Checks its shape, and keeps the type of each key. */
export const keyTable = <K extends Keys>(table: KeyTable<K>): KeyTable<K> => table;

type ValuesOf<K extends Keys> = {
  readonly [N in keyof K]?: K[N] extends { readonly type: ValueType<infer T> } ? T : never;
};

/** A map that was read by a table. A key with an invalid value is in `entries`, but not in `values`. */
export interface TableValues<K extends Keys> {
  readonly values: ValuesOf<K>;
  readonly entries: ReadonlyMap<string, Entry>;
  /** where a message about the whole map points */
  readonly offset: number;
}

/** Reads a map by a table. Unknown, missing and conflicting keys and invalid values are faults. */
export function readTable<K extends Keys>(
  source: YamlSource,
  located: Located | Entry,
  { table, what }: { readonly table: KeyTable<K>; readonly what: string },
): TableValues<K> | undefined {
  const faultsBefore = source.faults.length;
  const entries = readMap(source, located, what, Object.keys(table.keys));
  if (entries === undefined) return undefined;
  const hasUnknownKey = source.faults.length > faultsBefore;
  const offset = 'keyOffset' in located ? located.keyOffset : located.offset;
  checkPresence(source, { table, what, entries, offset, hasUnknownKey });
  const values: Record<string, unknown> = {};
  for (const [name, { type, what: called = name }] of Object.entries(table.keys)) {
    const entry = entries.get(name);
    const value = entry && type.read(source, entry, called);
    if (value !== undefined) values[name] = value;
  }
  return { values: values as ValuesOf<K>, entries, offset };
}

interface ReadMap {
  readonly table: KeyTable<Keys>;
  readonly what: string;
  readonly entries: ReadonlyMap<string, Entry>;
  readonly offset: number;
  /** a missing key is then not reported: most likely the unknown one is its misspelling */
  readonly hasUnknownKey: boolean;
}

function checkPresence(source: YamlSource, { table, what, entries, offset, hasUnknownKey }: ReadMap): void {
  for (const [name, { isRequired }] of Object.entries(table.keys)) {
    if (isRequired && !hasUnknownKey && !entries.has(name))
      addFault(source, offset, `cannot accept ${what}: ${name} is missing`, { missing: [name] });
  }
  for (const [first, second] of table.alternatives ?? []) {
    const entry = entries.get(second);
    if (!entries.has(first) && entry === undefined) {
      if (!hasUnknownKey)
        addFault(source, offset, `cannot accept ${what}: ${first} or ${second} is missing`, {
          missing: [first, second],
        });
    } else if (entries.has(first) && entry !== undefined) {
      addFault(source, entry.keyOffset, `cannot accept ${what}: it has both ${first} and ${second}`);
    }
  }
  for (const { key, pattern, isTrue, excludes, reason } of table.conflicts ?? []) {
    const entry = entries.get(key);
    if (entry === undefined || (pattern && !pattern.test(textOf(entry)))) continue;
    if (isTrue === true && textOf(entry) !== 'true') continue;
    for (const name of excludes) {
      const other = entries.get(name);
      if (other) addFault(source, other.keyOffset, `cannot accept key ${quote(name)}: ${reason}`);
    }
  }
}

const textOf = ({ node }: Located): string => (isScalar(node) ? String(node.value) : '');

/** A map with the keys of a table, as a value of another table. `what`: its name in messages; absent: its key. */
export function tableOf<K extends Keys>(
  table: KeyTable<K>,
  { what, label = 'map' }: { readonly what?: string; readonly label?: string } = {},
): ValueType<TableValues<K>> {
  return {
    read: (source, located, called) => readTable(source, located, { table, what: what ?? called }),
    schema: tableSchema(table),
    label,
  };
}

/** Reads the default of a key as if it were in a file. Throws if the table has no default or an invalid one. */
export function defaultValue<T>({ type, default: text }: Key<T>): T {
  const { source, root } = readYaml(text ?? '', 'default');
  const value = type.read(source, root, 'the default');
  valueOf(finishReading(source, undefined));
  if (value === undefined) throw new Error(`cannot read the default "${text ?? ''}"`);
  return value;
}

/** The JSON Schema (draft 7) of a map with the keys of a table. */
export function tableSchema({ keys, alternatives = [], conflicts = [] }: KeyTable<Keys>): JsonSchema {
  const required = Object.keys(keys).filter((name) => keys[name]?.isRequired);
  const rules = [
    ...alternatives.map((pair) => ({ oneOf: pair.map((name) => ({ required: [name] })) })),
    ...conflicts.map(({ key, pattern, isTrue, excludes }) => ({
      if: {
        required: [key],
        ...(pattern && { properties: { [key]: { type: 'string', pattern: pattern.source } } }),
        ...(isTrue === true && { properties: { [key]: { enum: [true, 'true'] } } }),
      },
      then: { properties: Object.fromEntries(excludes.map((name) => [name, false])) },
    })),
  ];
  return {
    type: 'object',
    properties: Object.fromEntries(Object.entries(keys).map(([name, key]) => [name, keySchema(key)])),
    ...(required.length > 0 && { required }),
    additionalProperties: false,
    ...(rules.length > 0 && { allOf: rules }),
  };
}

const keySchema = (key: Key): JsonSchema => ({
  ...key.type.schema,
  description: key.doc.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1'),
  ...(key.default !== undefined && { default: parseYaml(key.default) as unknown }),
  examples: [parseYaml(key.example) as unknown],
});

/** The reference of a table: one Markdown table row for each key. */
export function tableMarkdown({ keys, alternatives = [] }: KeyTable<Keys>): string {
  const code = (text: string): string => `\`${text.replaceAll('|', '\\|')}\``;
  const absent = (name: string, { default: value, otherwise = '', isRequired }: Key): string => {
    if (isRequired) return 'required';
    const pair = alternatives.find((names) => names.includes(name));
    if (pair) return `required unless ${code(pair.find((other) => other !== name) ?? '')}`;
    return value === undefined ? otherwise : code(value);
  };
  const rows = Object.entries(keys).map(([name, key]) => [
    ...[code(name), key.type.label, key.doc, absent(name, key), code(`${name}: ${key.example}`)],
  ]);
  const head = ['Key', 'Value', 'Description', 'Default', 'Example'];
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
