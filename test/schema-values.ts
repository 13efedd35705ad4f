/** Generates values for a JSON Schema: most satisfy it, some do not. Supports the keywords that our schemas use. */
import fc, { type Arbitrary } from 'fast-check';
import type { JsonSchema } from '../model/value-type.js';

/** Words that are valid for some keys and invalid for others. */
const words = [
  ...[
    '',
    'x',
    'a b',
    'none',
    'None',
    'null',
    'all',
    'true',
    'yes',
    'main',
    'a..b',
    'soil-staging',
    'é',
    '-x',
    '.',
  ],
  ...[
    '/abs',
    '../up',
    'a/../b',
    'dir/',
    'dist/.hidden',
    'http://x/y',
    'a\tb',
    'a\0b',
    'a\nb',
    'a\\b',
    'A_B',
    '__proto__',
  ],
  ...[
    '90s',
    '0s',
    '1h30m',
    '400d',
    '8d',
    '1d2h3m4s',
    '5',
    '0',
    '65',
    '007',
    '1.5',
    '30m',
    '2y',
    '8w',
    '90',
    '1h1d',
  ],
  ...[
    '10MB',
    '1.5GiB',
    '0B',
    '5 kB',
    '20G',
    '9999999999999999',
    'oci:dir',
    'oci:a:b',
    'oci:',
    'debian:12',
    'x.json',
  ],
  ...[
    '127.0.0.1',
    '::1',
    '300.1.1.1',
    'host.example',
    'json',
    'github/1',
    'gitlab/1',
    'local/2026-01-13-ada',
    '*',
  ],
  ...['x'.repeat(101), 'é'.repeat(70), 'x'.repeat(1001), '\u202ex', '\ud800'],
];
const names = [
  ...['unit', 'build', 'a', 'A_B', 'x.json', 'a b', '', '__proto__', 'x'.repeat(101)],
  ...['/', '/oils', '/oils/b', '/team/x', '/results', '/Oils', 'oils', `/${'a'.repeat(100)}`],
];
const scalars = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...words) },
  { weight: 2, arbitrary: fc.constantFrom<unknown>(0, 1, 5, 65, 70_000, true, false, null) },
);
const anything = fc.oneof(
  { weight: 3, arbitrary: scalars },
  { weight: 1, arbitrary: fc.constantFrom<unknown>([], {}, ['x'], { x: 1 }, [[]]) },
);

/** Values of a schema; about one scalar in fifty and one key in a hundred is not valid. */
export function schemaValues(schema: JsonSchema): Arbitrary<unknown> {
  const { examples, anyOf, properties, items, additionalProperties: values, type } = schema;
  const typed =
    anyOf !== undefined
      ? fc.oneof(...(anyOf as JsonSchema[]).map(schemaValues))
      : properties !== undefined
        ? objects(schema)
        : items !== undefined
          ? fc.array(schemaValues(items as JsonSchema), { maxLength: 2 })
          : type === 'object'
            ? fc.dictionary(mapNames(schema), schemaValues(values as JsonSchema), { minKeys: 1, maxKeys: 2 })
            : fc.oneof({ weight: 12, arbitrary: examplesOf(schema) }, { weight: 1, arbitrary: scalars });
  const example =
    properties === undefined && Array.isArray(examples) ? fc.constantFrom(...(examples as unknown[])) : typed;
  return fc.oneof(
    { weight: 20, arbitrary: typed },
    { weight: 20, arbitrary: example },
    { weight: 1, arbitrary: anything },
  );
}

function examplesOf({ examples, enum: choices, pattern }: JsonSchema): Arbitrary<unknown> {
  if (Array.isArray(choices)) return fc.constantFrom(...(choices as unknown[]));
  if (Array.isArray(examples)) return fc.constantFrom(...(examples as unknown[]));
  const matching = words.filter((word) => typeof pattern !== 'string' || new RegExp(pattern, 'u').test(word));
  return fc.constantFrom(...(matching.length > 0 ? matching : words));
}

function mapNames({ propertyNames }: JsonSchema): Arbitrary<string> {
  const { pattern = '' } = (propertyNames ?? {}) as { readonly pattern?: string };
  const matching = names.filter((name) => new RegExp(pattern, 'u').test(name));
  return fc.oneof(
    { weight: 20, arbitrary: fc.constantFrom(...matching) },
    { weight: 1, arbitrary: fc.constantFrom(...names) },
  );
}

/** Objects with the required keys, one key of each alternative, and some of the others; rarely another selection. */
function objects({ properties, required = [], allOf = [] }: JsonSchema): Arbitrary<unknown> {
  const keys = Object.entries(properties as Readonly<Record<string, JsonSchema>>);
  const alternatives = (allOf as { readonly oneOf?: readonly { readonly required: readonly string[] }[] }[])
    .map(({ oneOf = [] }) => oneOf.flatMap((one) => one.required))
    .filter((pair) => pair.length > 0);
  const paired = alternatives.flat();
  const rare = fc.integer({ min: 0, max: 99 }).map((roll) => roll === 0);
  const isPresent = (name: string): Arbitrary<boolean> => {
    if ((required as string[]).includes(name)) return rare.map((isMissing) => !isMissing);
    if (paired.includes(name)) return rare;
    return fc.integer({ min: 0, max: 7 }).map((roll) => roll === 0);
  };
  const chosen = fc.tuple(
    fc.tuple(...keys.map(([name]) => isPresent(name))),
    fc.tuple(...alternatives.map((pair) => fc.constantFrom(...pair))),
    rare,
  );
  return chosen.chain(([present, picked, hasUnknown]) => {
    const used = keys.filter(([name], i) => present[i] === true || picked.includes(name));
    const entries = used.map(([name, schema]) => schemaValues(schema).map((value) => [name, value] as const));
    return fc
      .tuple(...entries)
      .map((pairs) => ({ ...Object.fromEntries(pairs), ...(hasUnknown && { unknown: 'x' }) }));
  });
}
