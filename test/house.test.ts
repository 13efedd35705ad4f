import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

/** The repository's root, relative to dist/test/. */
const root = fileURLToPath(new URL('../../', import.meta.url));

const documents = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];

const read = (file: string): string => readFileSync(join(root, file), 'utf8');

/** Folders of the repository whose paths documents name: `server/store/write-job.ts`. */
const tops = 'model|files|command|wwz|ssh|templates|worker|server|shims|test|bench|docs|schema';

test('every path of the repository that a document names exists', () => {
  for (const document of documents) {
    const paths = [...read(document).matchAll(new RegExp(`\`((?:${tops})/[\\w./-]*)\``, 'g'))].map(
      ([, path = '']) => path,
    );
    for (const path of paths) assert.ok(existsSync(join(root, path)), `${document} names ${path}`);
  }
});

test('every relative link of a document points to a file', () => {
  for (const document of documents) {
    const links = [...read(document).matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(([, link = '']) => link);
    for (const link of links) {
      assert.ok(existsSync(join(root, document, '..', link)), `${document} links to ${link}`);
    }
  }
});

test('docs/house.md has one line for each room', () => {
  const map = read('docs/house.md');
  const folders = ['server', 'worker'].flatMap((program) =>
    readdirSync(join(root, program), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => `${program}/${entry.name}/`),
  );
  for (const folder of [...folders, 'server/pages/views/']) {
    const lines = map.split('\n').filter((line) => line.startsWith(`| \`${folder}\` `));
    assert.equal(lines.length, 1, `docs/house.md has ${lines.length} lines for ${folder}`);
  }
});

test('docs/glossary.md names a definition that exists for each term', () => {
  const rows = read('docs/glossary.md')
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| term') && !line.startsWith('| ---'));
  assert.ok(rows.length > 30, 'the rows were found');
  for (const row of rows) {
    const [, name = '', file = ''] = /\| `(\w+)` in `([\w./-]+)` *\|$/.exec(row) ?? [];
    assert.ok(name !== '', `the row has a type and a file: ${row}`);
    assert.match(read(file), new RegExp(`\\b(class|interface|type|function|const) ${name}\\b`), row);
  }
});
