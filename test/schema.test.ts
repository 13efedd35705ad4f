import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Ajv, type ValidateFunction } from 'ajv';
import fc from 'fast-check';
import { parse, stringify } from 'yaml';
import { tableSchema, type Key, type KeyTable, type Keys } from '../model/key-table.js';
import { branchKey } from '../model/path.js';
import { parseRecord } from '../model/record-reader.js';
import { formatRecord } from '../model/record.js';
import { valueOf, type Result } from '../model/result.js';
import type { JsonSchema } from '../model/value-type.js';
import { readYaml, finishReading } from '../model/yaml-reader.js';
import { parseServerConfig } from '../server/config/server-config.js';
import { projectKeys, soilServerKeys } from '../server/config/soil-server-keys.js';
import { renderHistoryFile } from '../server/pages/views/history-page.js';
import { renderLatest, renderLatestGreen } from '../server/pages/views/latest-file.js';
import { parseConfig } from '../worker/config/project-config.js';
import { jobKeys, soilYmlKeys } from '../worker/config/soil-yml-keys.js';
import { parsePolicy } from '../worker/policy/policy.js';
import { policyKeys } from '../worker/policy/policy-keys.js';
import { repoRoot } from './command.js';
import { manualTables, renderKeyFiles } from './key-docs.js';
import { schemaValues } from './schema-values.js';
import { sampleRecord } from './sample-job.js';
import { sampleSite } from './sample-site.js';

const read = (file: string): string => readFileSync(join(repoRoot, file), 'utf8');
// Formats only inform people.
const ajv = new Ajv({ validateFormats: false, allowUnionTypes: true });
const compile = (schema: JsonSchema): ValidateFunction => ajv.compile(schema);

const explain = ({ errors }: ValidateFunction): string => JSON.stringify(errors, null, 1);

/** A file that people write: its table, its parser, and what the parser refuses though the schema accepts it. */
interface ConfigFile {
  readonly name: string;
  readonly table: KeyTable<Keys>;
  readonly parse: (text: string) => Result<unknown>;
  /** files that only the parser refuses, with its message; the parser refuses no other file that the schema accepts */
  readonly beyondSchema: readonly (readonly [string, RegExp])[];
}

const job = (keys: string, others = ''): string =>
  `project: p\njobs: { a: { image: x, tasks: [{ name: t, run: x }], ${keys} }${others} }\n`;
const task = (keys: string): string =>
  `project: p\njobs: { a: { image: x, tasks: [{ name: t, run: x }, { ${keys} }] } }\n`;
const merge = (rule: string): string => `${job('')}merge: ${rule}\n`;

const soilYml: ConfigFile = {
  name: 'soil.yml',
  table: soilYmlKeys,
  parse: (text) => parseConfig(text),
  beyondSchema: [
    [job('timeout: 0s'), /timeout ".*": it must be at (least|most)/],
    [job('grace: 400d'), /grace ".*": it must be at (least|most)/],
    [job("parallel: '65'"), /: it must be a whole number from/],
    [job('pull: never').replace('image: x', 'image: None'), /image ".*": write none to run on/],
    [job('build: ../x').replace('image: x, ', ''), /it must be a path below the repository's root$/],
    [job('artifacts: a/../b'), /(artifact|result|result-html|working-folder) ".*": it leaves the repo/],
    [
      job('artifacts: http://x/y'),
      /(artifact|result|result-html|working-folder) ".*": it must be a path, not/,
    ],
    [job('needs: b'), /need ".*": (it must be one of|there is no other job)/],
    [job('needs: a'), /needs of job ".*": .* needs /],
    [job('secrets: SOIL_TOKEN'), /secret ".*": no task can see this variable$/],
    [job('secrets: A, env: { A: 1 }'), /secret ".*": env of the same job shows its value$/],
    [job('env: { __proto__: 1 }'), /variable "__proto__": a name consists of/],
    [job('secrets: __proto__'), /secret "__proto__": it must be the name of a variable$/],
    [job('', ', x.json: { image: x, tasks-from: y }'), /job name ".*": it ends in a suffix/],
    [task('name: t, run: y'), /task name ".*": an earlier task has the same name$/],
    [task('name: "x ", run: y'), /task name ".*": it starts or ends with a space$/],
    [task('name: "x\\u00a0y", run: y'), /task name ".*": it has U\+00A0, which looks like a space$/],
    [task(`name: ${'é'.repeat(100)}, run: y`), /task name ".*": it is longer than 120 bytes$/],
    [task('name: u, run: y, needs: v'), /need ".*": no earlier task of this job has that name$/],
    [merge('{ from: m, to: m, require: all }'), /merge: from and to are both/],
    [merge('{ from: a..b, to: m, require: all }'), /(from|to) ".*": git does not allow this branch name$/],
    [merge('{ from: s, to: m, require: b }'), /required job ".*": it must be all, or some of/],
    [merge('{ from: s, to: m, require: [a, a] }'), /required job ".*": duplicate job$/],
    [merge('{ from: s, to: m, require: x.tsv }'), /required job ".*": it ends in a suffix/],
  ],
};

const server = (keys: string): string => `projects: { /a: { site: a } }\n${keys}\n`;

const soilServerYml: ConfigFile = {
  name: 'soil-server.yml',
  table: soilServerKeys,
  parse: (text) => parseServerConfig(text, '/etc/soil-server.yml'),
  beyondSchema: [
    [server('lost-after: 1s'), /(lost-after|every|age|[a-z]+-time) ".*": it must be at (least|most)/],
    [server('limits: { body: 0B }'), /[a-z-]+ ".*": it must be at (least|most) [0-9]/],
    [server("listen: { port: '65536' }"), /: it must be a whole number from/],
    [server('listen: { host: 300.1.1.1 }'), /host ".*": it must be an IP address/],
    [server('quota: { site: 1MB, reserve: 1MB }'), /quota: reserve, .* leaves nothing/],
    [server('retention: { keep: { runs: [github/commits] } }'), /run "commits": this name is reserved/],
    [
      server('retention: { keep: { runs: [github/a.html] } }'),
      /run "a.html": it ends in ".html", like a page$/,
    ],
    ['projects: { /results: { site: a } }', /project "\/results": .* an address of the server itself$/],
    [`projects: { /${'a'.repeat(100)}: { site: a } }`, /project "\/a+…?": it must be \/, or words of a to z/],
    ['projects: { /a: { site: x }, /b: { site: x/y } }', /project ".*": its site .* overlaps with the site/],
    ['projects: { /a: { site: x }, /a/b: { site: y } }', /project ".*": it overlaps with project/],
  ],
};

const policyYml: ConfigFile = {
  name: 'policy.yml',
  table: policyKeys,
  parse: (text) => parsePolicy(text, '/etc/soil/policy.yml'),
  beyondSchema: [],
};

for (const { name, table, parse: parseFile, beyondSchema } of [soilYml, soilServerYml, policyYml]) {
  const schema = tableSchema(table);
  const validate = compile(schema);

  test(`parser and schema of ${name} accept the same files, except for those listed`, () => {
    let accepted = 0;
    let refused = 0;
    const compare = (value: unknown): void => {
      const text = stringify(value, { nullStr: '', aliasDuplicateObjects: false });
      const parsed = parseFile(text);
      if (!validate(value)) {
        assert.ok(!parsed.ok, `only the schema refuses\n${text}\n${explain(validate)}`);
        refused++;
      } else if (parsed.ok) accepted++;
      else {
        for (const line of parsed.error.split('\n')) {
          const isListed = beyondSchema.some(([, message]) => message.test(line));
          assert.ok(isListed, `only the parser refuses\n${text}\n${line}`);
        }
      }
    };
    fc.assert(fc.property(schemaValues(schema), compare), { numRuns: 600, includeErrorInReport: true });
    assert.ok(accepted > 50 && refused > 50, `${accepted} accepted and ${refused} refused by both`);
  });

  test(`the parser of ${name} refuses each listed file, and the schema accepts it`, () => {
    for (const [text, message] of beyondSchema) {
      assert.ok(validate(parse(text)), `${text}${explain(validate)}`);
      const parsed = parseFile(text);
      assert.match(parsed.ok ? 'accepted' : parsed.error, message, text);
    }
  });
}

/** Reads a value by its key alone, as the parser would. */
function readKey({ type }: Key, text: string): Result<undefined> {
  const { source, root } = readYaml(text, 'value');
  if (source.faults.length === 0) type.read(source, root, 'value');
  return finishReading(source, undefined);
}

test('the default and the example of every key are values that parser and schema accept', () => {
  for (const table of Object.values(manualTables).flatMap((tables) => Object.values(tables))) {
    for (const [name, key] of Object.entries(table.keys)) {
      const validate = compile(key.type.schema);
      for (const text of [key.example, ...(key.default === undefined ? [] : [key.default])]) {
        assert.ok(validate(parse(text)), `${name}: ${text}\n${explain(validate)}`);
        assert.deepEqual(readKey(key, text), { ok: true, value: undefined }, `${name}: ${text}`);
      }
    }
  }
});

test('every alternative and conflict of a table names keys of the table', () => {
  for (const table of Object.values(manualTables).flatMap((tables) => Object.values(tables))) {
    const named = [
      ...(table.alternatives ?? []).flat(),
      ...(table.conflicts ?? []).flatMap(({ key, excludes }) => [key, ...excludes]),
    ];
    for (const name of named) assert.ok(Object.hasOwn(table.keys, name), name);
  }
});

test('schemas and tables of keys are up to date; "npm run docs" writes them', async () => {
  for (const [file, text] of await renderKeyFiles()) {
    assert.ok(read(file) === text, `${file} differs from the tables of keys. Run "npm run docs"`);
  }
});

const manual = ['README.md', ...readdirSync(join(repoRoot, 'docs')).map((name) => `docs/${name}`)].filter(
  (name) => name.endsWith('.md'),
);

test('every soil.yml and soil-server.yml of the manual and of this repository is valid', () => {
  const examples = manual.flatMap((page) =>
    [...read(page).matchAll(/^```yaml\n([^]*?)^```/gm)].map(([, text = '']) => [page, text] as const),
  );
  for (const file of ['soil.yml', 'docs/example/soil.yml']) examples.push([file, read(file)]);
  const counts = { 'soil.yml': 0, 'soil-server.yml': 0, part: 0 };
  for (const [page, text] of examples) {
    const value = parse(text) as object | null;
    const whole = [soilYml, soilServerYml].find(({ name }) =>
      new RegExp(name === 'soil.yml' ? '^project:' : '^projects:', 'm').test(text),
    );
    if (whole !== undefined) {
      const validate = compile(tableSchema(whole.table));
      assert.ok(validate(value), `${page}: ${text}${explain(validate)}`);
      valueOf(whole.parse(text));
      counts[whole.name as 'soil.yml']++;
      continue;
    }
    // A part of a file: each key is one of the file's or of a job's or project's. Other YAML is of CI hosts.
    const tables = [soilYmlKeys, jobKeys, soilServerKeys, projectKeys] as readonly KeyTable<Keys>[];
    const names = Object.keys(value ?? {});
    const table = tables.find(({ keys }) => names.every((name) => Object.hasOwn(keys, name)));
    if (names.length === 0 || table === undefined) continue;
    for (const [name, part] of Object.entries(value ?? {})) {
      const key: Key | undefined = table.keys[name];
      if (key === undefined) continue;
      const validate = compile(key.type.schema);
      assert.ok(validate(part), `${page}: ${name}\n${explain(validate)}`);
      assert.deepEqual(readKey(key, stringify(part)), { ok: true, value: undefined }, `${page}: ${name}`);
      counts.part++;
    }
  }
  assert.ok(counts['soil.yml'] >= 5 && counts['soil-server.yml'] >= 1, JSON.stringify(counts));
  assert.ok(counts.part >= 4, JSON.stringify(counts));
});

/** The same schema, which also refuses keys that it does not describe: published schemas allow keys of later versions. */
function strict(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(strict);
  if (typeof schema !== 'object' || schema === null) return schema;
  const copy = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, strict(value)]));
  // A key of `properties` can itself be called so.
  const isObject = 'type' in schema && schema.type === 'object' && 'properties' in schema;
  return isObject ? { ...copy, additionalProperties: false } : copy;
}

const readSchema = (name: string): JsonSchema => JSON.parse(read(`schema/${name}.schema.json`)) as JsonSchema;
const readStrict = (name: string): ValidateFunction => compile(strict(readSchema(name)) as JsonSchema);

function assertValid(validate: ValidateFunction, text: string): void {
  assert.ok(validate(JSON.parse(text)), `${text}\n${explain(validate)}`);
}

test('every schema is a valid JSON Schema with a title', () => {
  const files = readdirSync(join(repoRoot, 'schema'));
  assert.equal(files.length, 6);
  for (const file of files) {
    const schema = JSON.parse(read(`schema/${file}`)) as JsonSchema;
    compile(schema);
    assert.equal(typeof schema.title, 'string', file);
  }
});

test('the records of the sample site satisfy record.schema.json', () => {
  const validate = readStrict('record');
  const records = sampleSite().jobs.flatMap(({ record }) => record ?? []);
  assert.ok(records.length > 10);
  for (const record of records) {
    // The writer of schema 0 has no version.
    const text = formatRecord(record);
    assertValid(validate, record.schema === 0 ? text.replace('"schema": 0,', '') : text);
  }
});

test('a record that parseRecord() accepts satisfies record.schema.json when it is written again', () => {
  const validate = readStrict('record');
  const json = JSON.parse(formatRecord(sampleRecord)) as Readonly<Record<string, unknown>>;
  const values = fc.oneof(fc.jsonValue({ maxDepth: 1 }), fc.constantFrom('1', 'x', ' y ', 0, 7, null, []));
  const changed = fc.dictionary(fc.constantFrom(...Object.keys(json), 'GITHUB_REF', 'SOIL_RUN'), values, {
    maxKeys: 3,
  });
  let accepted = 0;
  fc.assert(
    fc.property(changed, (changes) => {
      const parsed = parseRecord(JSON.stringify({ ...json, ...changes, schema: 1 }));
      if (!parsed.ok) return;
      accepted++;
      assertValid(validate, formatRecord(parsed.value));
    }),
    { numRuns: 1000 },
  );
  assert.ok(accepted > 100, `${accepted} accepted`);
});

test('the JSON files of the sample site satisfy their schemas', () => {
  const site = sampleSite();
  const latest = readStrict('latest');
  const history = readStrict('history');
  const counts = { latest: 0, green: 0, history: 0 };
  for (const branch of new Set(site.jobs.flatMap(({ record }) => record?.branch ?? []))) {
    const key = branchKey(branch) ?? '';
    const text = renderLatest(site, branch, key);
    const green = renderLatestGreen(site, branch, key);
    if (text !== undefined) assertValid(latest, text);
    if (green !== undefined) assertValid(latest, green);
    counts.latest += Number(text !== undefined);
    counts.green += Number(green !== undefined);
  }
  for (const { address } of site.jobs) {
    const bytes = renderHistoryFile(site, address.job, (address) => site.detailsOf(address));
    if (bytes !== undefined) assertValid(history, bytes.toString());
    counts.history += Number(bytes !== undefined);
  }
  assert.ok(counts.latest > 1 && counts.green > 0 && counts.history > 3, JSON.stringify(counts));
});
