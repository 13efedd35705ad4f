import assert from 'node:assert/strict';
import { test } from 'node:test';
import { finishReading, readYaml } from './yaml-reader.js';

const read = (text: string): string => {
  const { source } = readYaml(text, 'f');
  const result = finishReading(source, undefined);
  return result.ok ? 'ok' : result.error;
};

test('readYaml() reports the first error only, since the parser guesses after it', () => {
  const tasks = Array.from({ length: 90 }, (_, i) => `  - { name: t${i}, run: "make t${i}" }\n`).join('');
  const slips: readonly (readonly [string, string])[] = [
    [`tasks:\n  - name: one, run: x }\n${tasks}`, 'f:2:11: cannot read YAML: a second ": " on one line'],
    [`tasks:\n  - { name: one, run: "x\n${tasks}`, 'f:2:25: cannot read YAML: Missing closing'],
    [`tasks:\n  - { name: one, run: x\n${tasks}`, 'f:3:3: cannot read YAML: a "{" before this is not closed'],
    [`tasks:\n  - [a, b\n${tasks}`, 'f:3:3: cannot read YAML: a "[" before this is not closed'],
    [`tasks\n  - a\n${tasks}`, 'f:1:1: cannot read YAML: '],
  ];
  for (const [text, expected] of slips) {
    const message = read(text);
    assert.ok(message.startsWith(expected), `${JSON.stringify(text.slice(0, 40))}: ${message}`);
    assert.equal(message.split('\n').length, 1, message);
  }
});

test('readYaml() accepts 100 levels and refuses more, in every notation', () => {
  const nested: readonly (readonly [string, (depth: number) => string])[] = [
    ['lists in brackets', (n) => `${'['.repeat(n)}${']'.repeat(n)}`],
    ['maps in braces', (n) => `${'{a: '.repeat(n)}b${'}'.repeat(n)}`],
    ['lists on one line', (n) => `${'- '.repeat(n)}x`],
    ['lists on lines', (n) => Array.from({ length: n }, (_, i) => `${' '.repeat(i)}-\n`).join('')],
    ['maps on lines', (n) => Array.from({ length: n }, (_, i) => `${' '.repeat(i)}a:\n`).join('')],
    ['explicit keys', (n) => `${'? '.repeat(n)}x`],
  ];
  for (const [name, write] of nested) {
    assert.doesNotMatch(read(write(99)), /too deeply/, name);
    assert.match(
      read(write(102)),
      /^f:\d+:\d+: cannot read YAML: lists or maps are nested too deeply: the limit is 100$/,
      name,
    );
  }
  assert.match(read(`a: 1\nb:\n  - ${'['.repeat(200)}`), /^f:3:104: /, 'the place of the bracket');
});

test('readYaml() survives many files of many brackets in one process', () => {
  for (const unit of ['[', '{a: ', '- ', '? ', '[{a: ', '"', '&a [', '!x [', '- [']) {
    for (const count of [5000, 50_000]) {
      assert.match(
        read(unit.repeat(count)),
        /^f:\d+:\d+: cannot read /,
        `${count} times ${JSON.stringify(unit)}`,
      );
    }
  }
});

test('readYaml() counts no brackets in text, comments and block scalars', () => {
  const many = '['.repeat(500);
  assert.equal(read(`a: "${many}" # ${many}\nb: |\n  ${many}\nc: '${many}'\n`), 'ok');
});
