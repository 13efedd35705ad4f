import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { repoRoot } from './command.js';
import { findSuites, findTestFiles, suites } from './suites.js';

const testFiles = findTestFiles(repoRoot);

test('every test file is in exactly one suite', () => {
  for (const file of testFiles) {
    const names = findSuites(file).map(({ name }) => name);
    assert.equal(
      names.length,
      1,
      names.length === 0
        ? `${file} is in no suite: add it to one in test/suites.ts, the one whose needs it has`
        : `${file} is in ${names.join(' and ')}: keep it in one suite of test/suites.ts`,
    );
  }
});

test('every file that a suite lists exists', () => {
  for (const { name, files, fixtures } of suites) {
    for (const path of [...files.map((file) => `${file}.test.ts`), ...fixtures.map((file) => `${file}.ts`)])
      assert.ok(existsSync(join(repoRoot, path)), `suite "${name}" lists ${path}: no such file`);
  }
});

const directImports = new Map<string, readonly string[]>();

/** The files of the repository that a file imports itself. */
function readImports(file: string): readonly string[] {
  const known = directImports.get(file);
  if (known !== undefined) return known;
  const text = readFileSync(join(repoRoot, file), 'utf8');
  const imports = [...text.matchAll(/(?:from |import\()'(\.[^']+)\.js'/g)].map(
    ([, name = '']) => `${normalize(join(dirname(file), name))}.ts`,
  );
  directImports.set(file, imports);
  return imports;
}

/** The files of the repository that a file imports, itself or through others. */
function collectImports(file: string, seen = new Set<string>()): ReadonlySet<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const name of readImports(file)) collectImports(name, seen);
  return seen;
}

test('no unit test imports a fixture that starts an engine, a browser or a server', () => {
  const fixtures = suites.flatMap((suite) => suite.fixtures.map((name) => `${name}.ts`));
  for (const file of testFiles.filter((name) => findSuites(name)[0]?.name === 'unit')) {
    const imports = collectImports(file);
    const used = fixtures.filter((name) => imports.has(name));
    assert.deepEqual(used, [], `${file} uses ${used.join(', ')}: move it out of "unit" in test/suites.ts`);
  }
});

test('every suite has an npm script and a row in CONTRIBUTING.md', () => {
  const { scripts } = JSON.parse(readFileSync(join(repoRoot, 'package.json'), 'utf8')) as {
    readonly scripts: Readonly<Record<string, string>>;
  };
  const guide = readFileSync(join(repoRoot, 'CONTRIBUTING.md'), 'utf8');
  for (const { name } of suites) {
    const script = name === 'unit' ? 'unit' : `test:${name}`;
    assert.match(scripts[script] ?? '', new RegExp(`run\\.js --suite ${name}$`), script);
    assert.ok(guide.includes(`| \`npm run ${script}\``), `CONTRIBUTING.md has no row for ${script}`);
  }
});
