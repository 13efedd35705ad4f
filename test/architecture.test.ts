import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

/** The repository's root, relative to dist/test/. */
const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** The top-level rooms that both programs share, and what each may import. */
const sharedRooms: Readonly<Record<string, string>> = {
  model: '',
  files: 'model',
  wwz: 'model files',
  ssh: 'model files',
  command: 'model files',
  templates: 'model',
};

/**
 * The rooms of each program, lowest first, and the rooms of the same program that each may import. A room may also
 * import every shared room. docs/house.md says what each room is for.
 */
const programRooms: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  server: {
    disk: '',
    config: '',
    http: 'config',
    auth: 'disk',
    upload: 'disk config http',
    store: 'disk config',
    state: 'store',
    'pages/views': 'store state',
    pages: 'disk store state pages/views',
    site: 'disk config store state pages',
    static: 'http pages/views',
    retention: 'disk config store state pages/views site',
    check: 'disk config store state pages site',
    api: 'disk config http auth upload store state pages/views site static retention',
    cli: 'disk config http auth store site retention check api',
  },
  worker: {
    redact: '',
    system: '',
    git: 'system',
    output: 'redact system',
    config: 'system git',
    policy: 'system config',
    state: 'system git config',
    transfer: 'system git',
    record: 'redact system git output config state',
    init: 'config',
    engine: 'redact system git output config state record',
    checkout: 'system git state record',
    report: 'system git output state record',
    client: 'system git state record',
    publish: 'system git state record client',
    gate: 'system git config state record client',
    doctor: 'system git config policy engine client',
    host: 'system git output config state record engine transfer',
    runner: 'redact system git output config state record engine host',
    artifact: 'system git config policy state record client publish',
    job: 'redact system git output config policy state record engine checkout report client publish host runner',
    cli: 'system git output config policy state record init checkout report client publish gate doctor host runner artifact job',
  },
};

/** Rooms with doors: the only files of theirs that other rooms may import. */
const doors: Readonly<Record<string, readonly string[]>> = {
  'server/site': ['server/site/site.ts', 'server/site/read-site.ts'],
};

interface Room {
  /** as in `server/store` */
  readonly name: string;
  /** the rooms it may import, itself included */
  readonly imports: ReadonlySet<string>;
}

const words = (text: string): readonly string[] => text.split(' ').filter((word) => word !== '');

/** Every room, lower rooms first. */
const rooms: ReadonlyMap<string, Room> = new Map(
  [
    ...Object.entries(sharedRooms).map(([name, imports]) => ({ name, imports: [name, ...words(imports)] })),
    ...Object.entries(programRooms).flatMap(([program, list]) =>
      Object.entries(list).map(([room, imports]) => ({
        name: `${program}/${room}`,
        imports: [
          ...Object.keys(sharedRooms),
          ...[room, ...words(imports)].map((other) => `${program}/${other}`),
        ],
      })),
    ),
  ].map(({ name, imports }) => [name, { name, imports: new Set(imports) }]),
);

interface Module {
  readonly file: string;
  readonly text: string;
  /** files of the repository */
  readonly imports: readonly string[];
  readonly packages: readonly string[];
}

function readModule(file: string): Module {
  const text = readFileSync(join(root, file), 'utf8');
  const pattern = /^\s*(?:import|export)\b[^'";]*?from '([^']+)'|\bimport\('([^']+)'\)|^import '([^']+)'/gm;
  const names = [...text.matchAll(pattern)].map((m) => m[1] ?? m[2] ?? m[3] ?? '');
  const isOurs = (name: string): boolean => name.startsWith('.');
  return {
    file,
    text,
    imports: names.filter(isOurs).map((name) => normalize(join(dirname(file), name)).replace(/\.js$/, '.ts')),
    packages: names.filter((name) => !isOurs(name)),
  };
}

const modules: readonly Module[] = [...Object.keys(sharedRooms), ...Object.keys(programRooms)].flatMap(
  (top) =>
    readdirSync(join(root, top), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
      .map((name) => readModule(join(top, name))),
);

const programs = Object.keys(programRooms).map((program) => `${program}/main.ts`);

/** Returns the room that holds a file, or undefined if it is outside a room. */
function roomOf(file: string): Room | undefined {
  return rooms.get(dirname(file));
}

/** Names the lowest room of the same program that may import everything that a file imports. */
function suggestRoom({ file, imports }: Module): string {
  const top = file.split('/')[0] ?? '';
  const needed = imports.map((name) => roomOf(name)?.name).filter((name) => name !== undefined);
  const fits = [...rooms.values()].filter(
    ({ name, imports: allowed }) =>
      (name === top || name.startsWith(`${top}/`)) && needed.every((other) => allowed.has(other)),
  );
  const fit = fits[0];
  if (fit === undefined) return `no room may import all of ${[...new Set(needed)].join(', ')}: split it`;
  return `by its imports it belongs in ${fit.name}/ or in a room above`;
}

test('every file is in a room; server/ and worker/ themselves hold only main.ts', () => {
  for (const module of modules) {
    if (programs.includes(module.file)) continue;
    assert.ok(roomOf(module.file), `${module.file} is outside a room: ${suggestRoom(module)}`);
  }
});

test('every room that is declared has files', () => {
  const used = new Set(modules.map(({ file }) => dirname(file)));
  assert.deepEqual(
    [...rooms.keys()].filter((name) => !used.has(name)),
    [],
  );
});

test('imports go from a room to itself or to a lower one', () => {
  for (const module of modules) {
    const room = roomOf(module.file);
    if (room === undefined) continue;
    for (const name of module.imports) {
      const target = roomOf(name)?.name ?? name;
      assert.ok(
        room.imports.has(target),
        `${module.file} imports ${name}, but ${room.name} may import only ${[...room.imports].join(', ')}; ` +
          suggestRoom(module),
      );
    }
  }
});

test('a room with doors is imported only through them', () => {
  for (const { file, imports } of modules) {
    for (const name of imports) {
      const room = dirname(name);
      const allowed = doors[room];
      if (allowed === undefined || dirname(file) === room) continue;
      assert.ok(
        allowed.includes(name),
        `${file} imports ${name}, which is private to ${room}/: import ${allowed.join(' or ')}`,
      );
    }
  }
});

test('a room imports only rooms that are declared before it', () => {
  const order = [...rooms.keys()];
  for (const [name, { imports }] of rooms) {
    for (const other of imports) {
      assert.ok(order.includes(other), `${name} may import ${other}, which is no room`);
      assert.ok(order.indexOf(other) <= order.indexOf(name), `${name} is below ${other}, and may import it`);
    }
  }
});

test('no files import each other in a cycle', () => {
  const byFile = new Map(modules.map((module) => [module.file, module]));
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    const start = path.indexOf(file);
    assert.equal(start, -1, `these files form a cycle: ${[...path.slice(start), file].join(' -> ')}`);
    if (done.has(file)) return;
    for (const name of byFile.get(file)?.imports ?? []) visit(name, [...path, file]);
    done.add(file);
  };
  for (const { file } of modules) visit(file, []);
});

/** Packages without I/O: the parsers of TSV and YAML, and an edit distance. */
const packagesOfModel = ['csv-parse/sync', 'yaml', 'fastest-levenshtein'];

test('model imports no I/O and no packages that do I/O', () => {
  for (const { file, packages } of modules.filter((m) => m.file.startsWith('model/'))) {
    assert.deepEqual(
      packages.filter((name) => !packagesOfModel.includes(name)),
      [],
      file,
    );
  }
});

test('views are pure: they turn data into text', () => {
  const views = modules.filter((m) => m.file.includes('/views/'));
  assert.ok(views.length >= 6, 'the views were found');
  for (const { file, packages, text } of views) {
    for (const name of packages) assert.doesNotMatch(name, /^node:(fs|http|child_process|net)/, file);
    assert.doesNotMatch(text, /Date\.now\(\)|new Date\(\)|Math\.random/, `${file} must not read the clock`);
  }
});

test('only main.ts reads the environment, prints and exits', () => {
  for (const { file, text } of modules.filter((m) => !programs.includes(m.file))) {
    assert.doesNotMatch(text, /\bprocess\.(env|exit|argv)\b|\bconsole\./, file);
  }
});

test('no file is a catch-all', () => {
  for (const { file } of modules) assert.doesNotMatch(file, /\/(utils?|helpers?|common|index|misc)\.ts$/);
});

test('every module opens with a doc comment', () => {
  for (const { file, text } of modules) assert.match(text.replace(/^#!.*\n/, ''), /^\/\*\*/, file);
});

test('the top level holds what docs/house.md lists', () => {
  const allowed = new Set(
    (
      'worker server templates shims .github .builds package.json tsconfig.json README.md ' +
      'model files command wwz ssh test bench docs schema .ci LICENSE CHANGELOG.md CONTRIBUTING.md SECURITY.md ' +
      'package-lock.json soil.yml soil-server.yml cspell.json ' +
      '.gitignore .prettierrc.json .prettierignore eslint.config.js .git dist node_modules _soil action.yml'
    ).split(' '),
  );
  const names = readdirSync(root);
  assert.deepEqual(
    names.filter((name) => !allowed.has(name)),
    [],
  );
});
