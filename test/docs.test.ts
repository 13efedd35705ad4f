import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { parseConfig } from '../worker/config/project-config.js';
import { checkIds } from '../worker/doctor/finding.js';
import { commandsFile, readHelps, renderCommandsPage } from './command-docs.js';
import { repoRoot } from './command.js';

const read = (name: string): string => readFileSync(join(repoRoot, name), 'utf8');
const pages = ['README.md', ...readdirSync(join(repoRoot, 'docs')).map((name) => join('docs', name))].filter(
  (name) => name.endsWith('.md'),
);

test('docs/commands.md matches every --help; npm run docs rewrites it', async () => {
  assert.equal(readFileSync(commandsFile, 'utf8'), await renderCommandsPage());
});

test('the help of every command has examples that name it', async () => {
  for (const { words, help } of await readHelps()) {
    assert.match(help, /\n\nExamples?:\n/, words.join(' '));
    const [, examples = ''] = /\nExamples?:\n([^]*?)(?:\n\n|$)/.exec(help) ?? [];
    assert.ok(examples.includes(words.join(' ')), words.join(' '));
  }
});

test('every option in an example is an option of the command', async () => {
  for (const { words, help } of await readHelps()) {
    const [, examples = ''] = /\nExamples?:\n([^]*?)(?:\n\n|$)/.exec(help) ?? [];
    const own = examples
      .split('\n')
      .filter((line) => line.includes(`${words.join(' ')} `) && words.length > 1);
    for (const line of own) {
      const call = line.slice(line.indexOf(words.join(' '))).split(/ -- | [|>]/)[0] ?? '';
      for (const [option] of call.matchAll(/(?<= )--?[a-z][\w-]*/g)) {
        if (/'[^']*$/.test(call.slice(0, call.indexOf(option)))) continue;
        assert.match(help, new RegExp(`(^|[ ,])${option}([ ,<]|$)`, 'm'), `${line}: ${option}`);
      }
    }
  }
});

test('docs/troubleshooting.md has a heading for each finding of doctor, and no other', () => {
  const headings = [...read('docs/troubleshooting.md').matchAll(/^### `([\w-]+)`/gm)].map((m) => m[1] ?? '');
  assert.deepEqual(headings, [...checkIds]);
});

test('every soil.yml in the docs is valid', () => {
  let found = 0;
  for (const page of pages) {
    for (const [, yaml = ''] of read(page).matchAll(/^```yaml\n([^]*?)^```/gm)) {
      if (!/^project:/m.test(yaml)) continue;
      found++;
      const parsed = parseConfig(yaml, page);
      assert.ok(parsed.ok, parsed.ok ? '' : parsed.error);
    }
  }
  assert.ok(found >= 3, 'the examples were found');
});

test('every command that the docs name exists', async () => {
  const known = new Set((await readHelps()).map(({ words }) => words.slice(0, 2).join(' ')));
  // docs/commands.md is rendered from the commands.
  for (const page of pages.filter((name) => name !== join('docs', 'commands.md'))) {
    for (const [block] of read(page).matchAll(/```[^]*?```|`[^`\n]+`/g)) {
      for (const [named] of block.matchAll(/(?<![\w/-])soil-(?:worker|server) [a-z][\w-]*/g)) {
        assert.ok(known.has(named), `${page}: ${named}`);
      }
    }
  }
});

test('every link of the docs points to a file, and to a heading in it', () => {
  const anchorsOf = (text: string): ReadonlySet<string> =>
    new Set(
      [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
        heading
          .toLowerCase()
          .replace(/[^\p{L}\p{N} _-]/gu, '')
          .replaceAll(' ', '-'),
      ),
    );
  for (const page of pages) {
    for (const [, target = ''] of read(page).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? page : join(dirname(page), path);
      assert.ok(existsSync(join(repoRoot, file)), `${page}: ${target}`);
      if (anchor !== undefined) assert.ok(anchorsOf(read(file)).has(anchor), `${page}: ${target}`);
    }
  }
});
