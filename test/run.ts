/** Runs every built test with node's own runner; arguments choose files by a part of their path. */
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const dist = join(dirname(fileURLToPath(import.meta.url)), '..');
const wanted = process.argv.slice(2);
const files = readdirSync(dist, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.js'))
  .filter((name) => wanted.length === 0 || wanted.some((part) => name.includes(part)))
  .sort()
  .map((name) => join(dist, name));

if (files.length === 0) {
  console.error(`cannot run tests: no built test has ${JSON.stringify(wanted.join(' '))} in its path`);
  process.exit(2);
}
const flags = [
  '--test',
  `--test-concurrency=${availableParallelism()}`,
  '--test-reporter=spec',
  '--test-timeout=600000',
];
const child = spawn(process.execPath, [...flags, ...files], { stdio: ['ignore', 'inherit', 'inherit'] });
child.on('close', (code, signal) => {
  process.exitCode = code ?? (signal === null ? 1 : 128);
});
