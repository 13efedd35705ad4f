import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

/** The repo's root, seen from dist/test/. */
const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** Which rooms a room may import from, besides itself. */
const rooms: Record<string, readonly string[]> = {
  model: [],
  wwz: ['model'],
  templates: ['model'],
  ssh: ['model'],
  worker: ['templates', 'wwz', 'ssh', 'model'],
  server: ['templates', 'wwz', 'ssh', 'model'],
};

interface Module {
  readonly file: string;
  readonly room: string;
  readonly text: string;
  readonly imports: readonly string[];
}

function modulesOf(room: string): Module[] {
  return readdirSync(join(root, room), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => {
      const file = join(room, name);
      const text = readFileSync(join(root, file), 'utf8');
      const found = text.matchAll(
        /^\s*(?:import|export)\b[^'";]*?from '([^']+)'|\bimport\('([^']+)'\)|^import '([^']+)'/gm,
      );
      return { file, room, text, imports: [...found].map((m) => m[1] ?? m[2] ?? m[3] ?? '') };
    });
}

const modules = Object.keys(rooms).flatMap(modulesOf);

test('imports run one way: worker and server -> templates and wwz -> model', () => {
  assert.ok(modules.length > 20, 'the rooms were found');
  for (const { file, room, imports } of modules) {
    for (const name of imports.filter((i) => i.startsWith('.'))) {
      const target = relative(root, normalize(join(root, dirname(file), name))).split('/')[0] ?? '';
      assert.ok(target === room || rooms[room]?.includes(target), `${file} must not import ${name}`);
    }
  }
});

test('model is pure: no I/O, no package but the TSV parser', () => {
  for (const { file, imports } of modules.filter((m) => m.room === 'model')) {
    const outside = imports.filter((i) => !i.startsWith('.'));
    assert.deepEqual(
      outside.filter((i) => i !== 'csv-parse/sync'),
      [],
      file,
    );
  }
});

test('views are pure: they turn data into text', () => {
  const views = modules.filter((m) => m.file.includes('/views/') && !m.file.endsWith('golden.ts'));
  assert.ok(views.length >= 6, 'the views were found');
  for (const { file, imports, text } of views) {
    for (const name of imports) assert.doesNotMatch(name, /^node:(fs|http|child_process|net)/, file);
    assert.doesNotMatch(text, /Date\.now\(\)|new Date\(\)|Math\.random/, `${file} must not ask the clock`);
  }
});

test('only main.ts reads the environment, prints and exits', () => {
  for (const { file, text } of modules.filter(
    (m) => !m.file.endsWith('/main.ts') && !m.file.endsWith('golden.ts'),
  )) {
    assert.doesNotMatch(text, /\bprocess\.(env|exit|argv)\b|\bconsole\./, file);
  }
});

test('no room has a drawer for everything', () => {
  for (const { file } of modules) assert.doesNotMatch(file, /\/(utils?|helpers?|common|index|misc)\.ts$/);
});

test('every module opens with a sentence that says what comes in and what goes out', () => {
  for (const { file, text } of modules) assert.match(text.replace(/^#!.*\n/, ''), /^\/\*\*/, file);
});

test('the top level is what the design says', () => {
  const allowed = new Set(
    (
      'worker server templates shims .github .builds package.json tsconfig.json README.md ' +
      'model wwz ssh test bench docs .ci LICENSE CHANGELOG.md CONTRIBUTING.md package-lock.json soil.yml soil-server.yml ' +
      '.gitignore .prettierrc.json .prettierignore eslint.config.js .git dist node_modules _soil action.yml'
    ).split(' '),
  );
  const names = readdirSync(root);
  assert.deepEqual(
    names.filter((name) => !allowed.has(name)),
    [],
  );
});
