import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultValue, keyTable, readTable, tableMarkdown, tableSchema } from './key-table.js';
import { listOf, plainValues } from './value-list.js';
import { duration, flag, text, wholeNumber } from './value-type.js';
import { readYaml, finishReading } from './yaml-reader.js';

const table = keyTable({
  keys: {
    name: { type: text('text'), isRequired: true, doc: 'The [name](x.md).', example: 'a' },
    file: { type: text('path'), doc: 'A file.', example: 'a|b' },
    image: { type: text('image'), doc: 'An image.', example: 'debian:12' },
    timeout: { type: duration({ minSeconds: 1 }), doc: 'A limit.', default: '1h', example: '5m' },
    retries: { type: wholeNumber(0, 9), doc: 'Retries.', otherwise: "the job's", example: '2' },
    tty: { type: flag, doc: 'A terminal.', default: 'false', example: 'true' },
    tags: { type: listOf(text('word'), { item: 'tag', isNonEmpty: true }), doc: 'Tags.', example: '[a]' },
  },
  alternatives: [['file', 'image']],
  conflicts: [{ key: 'image', pattern: /^none$/, excludes: ['tty'], reason: 'there is no container' }],
});

function read(yaml: string) {
  const { source, root } = readYaml(yaml, 'f');
  const found = readTable(source, root, { table, what: 'the file' });
  return finishReading(source, found?.values);
}

test('readTable() reads each value by its type', () => {
  const values = read('name: a\nimage: x\ntimeout: 5m\nretries: 2\ntty: true\ntags: [b, c]\n');
  assert.ok(values.ok);
  const { name, image, timeout, retries, tty, tags, file } = values.value ?? {};
  assert.deepEqual([name, image, timeout, retries, tty, file], ['a', 'x', 300, 2, true, undefined]);
  assert.deepEqual(plainValues(tags), ['b', 'c']);
});

const refusals: readonly (readonly [string, string])[] = [
  ['image: x', '1:1: cannot accept the file: name is missing'],
  ['name: a', '1:1: cannot accept the file: file or image is missing'],
  ['{ name: a, file: b, image: c }', '1:21: cannot accept the file: it has both file and image'],
  ['{ name: a, image: none, tty: true }', '1:25: cannot accept key "tty": there is no container'],
  [
    '{ name: a, image: b, retries: 10 }',
    '1:31: cannot accept retries "10": it must be a whole number from 0 to 9',
  ],
  ['{ name: a, image: b, timeout: 0s }', '1:31: cannot accept timeout "0s": it must be at least 1s'],
  ['{ name: a, image: b, tty: yes }', '1:27: cannot accept tty "yes": it must be true or false'],
  ['{ name: a, image: b, tags: [] }', '1:28: cannot accept tags: the list is empty'],
  ['{ name: a, image: b, tags: [[]] }', '1:29: cannot accept tag (a list): it must be text'],
];

for (const [yaml, error] of refusals) {
  test(`readTable() rejects ${yaml}`, () => {
    assert.deepEqual(read(yaml), { ok: false, error: `f:${error}` });
  });
}

test('defaultValue() reads the default of a key, and throws if there is none', () => {
  assert.equal(defaultValue(table.keys.timeout), 3600);
  assert.equal(defaultValue(table.keys.tty), false);
  assert.throws(() => defaultValue(table.keys.name));
});

test('tableSchema() has every key, alternative and conflict', () => {
  const schema = tableSchema(table);
  assert.deepEqual(Object.keys(schema.properties as object), Object.keys(table.keys));
  assert.deepEqual(schema.required, ['name']);
  assert.equal(schema.additionalProperties, false);
  assert.deepEqual(schema.allOf, [
    { oneOf: [{ required: ['file'] }, { required: ['image'] }] },
    {
      if: { required: ['image'], properties: { image: { type: 'string', pattern: '^none$' } } },
      then: { properties: { tty: false } },
    },
  ]);
  const { description } = (schema.properties as Record<string, { description: string }>).name ?? {};
  assert.equal(description, 'The name.');
});

test('tableMarkdown() has a row for each key, with its default or what applies without it', () => {
  const rows = tableMarkdown(table).split('\n');
  assert.equal(rows.length, 9);
  assert.equal(rows[2], '| `name` | text | The [name](x.md). | required | `name: a` |');
  assert.equal(rows[3], '| `file` | path | A file. | required unless `image` | `file: a\\|b` |');
  assert.match(rows[6] ?? '', /\| the job's \|/);
  assert.match(rows[7] ?? '', /\| `false` \|/);
});
