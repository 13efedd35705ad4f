/**
 * Renders the JSON Schemas of soil.yml and soil-server.yml, and the tables of keys in the manual. With --write, writes
 * them.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { tableMarkdown, tableSchema, type KeyTable, type Keys } from '../model/key-table.js';
import { connectionLimitKeys, projectLimitKeys } from '../server/config/limit-keys.js';
import { keepKeys, retentionKeys, tierKeys } from '../server/config/retention-policy.js';
import { listenKeys, projectKeys, quotaKeys, soilServerKeys } from '../server/config/soil-server-keys.js';
import {
  buildKeys,
  expectFailKeys,
  jobKeys,
  mergeKeys,
  pullKeys,
  soilYmlKeys,
  taskKeys,
} from '../worker/config/soil-yml-keys.js';
import { policyKeys } from '../worker/policy/policy-keys.js';
import { repoRoot } from './command.js';

const schemas: readonly (readonly [string, string, KeyTable<Keys>])[] = [
  ['schema/soil.schema.json', 'soil.yml: the jobs of a repository', soilYmlKeys],
  ['schema/policy.schema.json', 'policy.yml: what the owner of a machine allows its jobs', policyKeys],
  ['schema/soil-server.schema.json', 'soil-server.yml: the projects of a server', soilServerKeys],
];

/** The tables that each page of the manual shows, by the names in its markers. */
export const manualTables: Readonly<Record<string, Readonly<Record<string, KeyTable<Keys>>>>> = {
  'docs/project.md': {
    file: soilYmlKeys,
    job: jobKeys,
    pull: pullKeys,
    build: buildKeys,
    task: taskKeys,
    'expect-fail': expectFailKeys,
    merge: mergeKeys,
  },
  'docs/security.md': { policy: policyKeys },
  'docs/server.md': {
    file: soilServerKeys,
    listen: listenKeys,
    project: projectKeys,
    quota: quotaKeys,
    'project-limits': projectLimitKeys,
    'connection-limits': connectionLimitKeys,
    retention: retentionKeys,
    tier: tierKeys,
    keep: keepKeys,
  },
};

/** Replaces what is between `<!-- keys: NAME -->` and `<!-- end of keys -->`. Throws if a table has no markers. */
export function fillTables(page: string, tables: Readonly<Record<string, KeyTable<Keys>>>): string {
  return Object.entries(tables).reduce((text, [name, table]) => {
    const begin = `<!-- keys: ${name} -->`;
    const start = text.indexOf(begin);
    const end = text.indexOf('<!-- end of keys -->', start);
    if (start < 0 || end < 0) throw new Error(`cannot find the marker "${begin}"`);
    return `${text.slice(0, start + begin.length)}\n\n${tableMarkdown(table)}\n\n${text.slice(end)}`;
  }, page);
}

/** Returns the content that the tables make, by the file of the repository. */
export async function renderKeyFiles(): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  for (const [file, title, table] of schemas) {
    const schema = { $schema: 'http://json-schema.org/draft-07/schema#', title, ...tableSchema(table) };
    files.set(file, JSON.stringify(schema));
  }
  for (const [file, tables] of Object.entries(manualTables)) {
    files.set(file, fillTables(readFileSync(join(repoRoot, file), 'utf8'), tables));
  }
  for (const [file, text] of files) {
    const filepath = join(repoRoot, file);
    files.set(file, await format(text, { ...(await resolveConfig(filepath)), filepath }));
  }
  return files;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href && process.argv[2] === '--write') {
  for (const [file, text] of await renderKeyFiles()) writeFileSync(join(repoRoot, file), text);
}
