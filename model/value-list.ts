/** Types of YAML lists and maps of values. Each reads its items, and has a JSON Schema for them. */
import { isScalar } from 'yaml';
import { quote, type Result } from './result.js';
import type { ValueType } from './value-type.js';
import {
  addFault,
  isMapEntry,
  isNothing,
  readList,
  readMap,
  type Entry,
  type YamlSource,
} from './yaml-reader.js';

/** A value and its position, so that a later check can report a fault there. */
export interface LocatedValue<T> {
  readonly value: T;
  readonly offset: number;
}

/** What a message calls one item of a list, and whether the list may be empty. */
interface ListOptions {
  readonly item: string;
  readonly isNonEmpty?: boolean;
}

/** A list of words, or a single word instead of a list of one. Invalid words are left out. */
export function words<T>(type: ValueType<T>, options: ListOptions): ValueType<readonly LocatedValue<T>[]> {
  const list = listOf(type, options);
  return {
    read: (source, located, what) => {
      if (!isScalar(located.node)) return list.read(source, located, what);
      const value = type.read(source, located, options.item);
      return value === undefined ? [] : [{ value, offset: located.offset }];
    },
    schema: { anyOf: [type.schema, list.schema] },
    label: `${type.label}, or a list`,
  };
}

/** A list. Invalid items are left out. */
export function listOf<T>(
  type: ValueType<T>,
  { item, isNonEmpty = false }: ListOptions,
): ValueType<readonly LocatedValue<T>[]> {
  return {
    read: (source, located, what) => {
      const items = readList(source, located, what);
      if (isNonEmpty && items?.length === 0) {
        addFault(source, located.offset, `cannot accept ${what}: the list is empty`);
      }
      return items?.flatMap((one) => {
        const value = type.read(source, one, item);
        return value === undefined ? [] : [{ value, offset: one.offset }];
      });
    },
    schema: { type: 'array', items: type.schema, ...(isNonEmpty && { minItems: 1 }) },
    label: `list of ${type.label}`,
  };
}

/** An item of a map whose keys are names that the user chose. */
export interface NamedValue<K, V> {
  /** undefined if the name is invalid, which is a fault; the value was read so that its faults are reported, too */
  readonly name: K | undefined;
  readonly key: string;
  readonly keyOffset: number;
  readonly value: V;
}

interface MapOptions<K, V> {
  readonly parseName: (text: string) => Result<K>;
  /** what a name must match; absent: `parseName` decides alone */
  readonly namePattern?: RegExp;
  readonly value: ValueType<V>;
  /** what a message calls an item: the noun before its name */
  readonly item: string;
  readonly isNonEmpty?: boolean;
  readonly label: string;
}

/** A map from names, such as those of jobs, to values. */
export function mapOf<K, V>(options: MapOptions<K, V>): ValueType<readonly NamedValue<K, V>[]> {
  const { parseName, namePattern, value: type, item, isNonEmpty = false, label } = options;
  return {
    read: (source, located, what) => {
      const map = readMap(source, located, what);
      if (isNonEmpty && map?.size === 0) {
        addFault(source, located.offset, `cannot accept ${what}: the map is empty`);
      }
      return map && [...map.values()].flatMap((entry) => readItem(source, entry));
    },
    schema: {
      type: 'object',
      additionalProperties: type.schema,
      ...(namePattern && { propertyNames: { pattern: namePattern.source } }),
      ...(isNonEmpty && { minProperties: 1 }),
    },
    label,
  };

  function readItem(source: YamlSource, entry: Entry): NamedValue<K, V>[] {
    const { key, keyOffset } = entry;
    const name = parseName(key);
    if (!name.ok) {
      addFault(source, keyOffset, name.error);
      // Most likely its colon is missing, so that the value is part of the key.
      if (isNothing(entry.node)) return [];
    }
    const value = type.read(source, entry, `${item} ${quote(key)}`);
    return value === undefined ? [] : [{ name: name.ok ? name.value : undefined, key, keyOffset, value }];
  }
}

/** A word as a short form, or a map. */
export function wordOr<T, U>(word: ValueType<T>, map: ValueType<U>): ValueType<T | U> {
  return {
    read: (source, located, what) => (isMapEntry(located) ? map : word).read(source, located, what),
    schema: { anyOf: [word.schema, map.schema] },
    label: `${word.label}, or ${map.label}`,
  };
}

/** Returns the values without their positions. */
export const plainValues = <T>(list: readonly LocatedValue<T>[] | undefined): readonly T[] =>
  (list ?? []).map(({ value }) => value);
