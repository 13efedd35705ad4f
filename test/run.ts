/** Runs the built tests: `run.js [--suite NAME]... [PART]...`; a part of a path selects the files that contain it. */
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { pathToFileURL } from 'node:url';
import { repoRoot } from './command.js';
import { selectTests } from './select-tests.js';
import { findSuites, findTestFiles } from './suites.js';

const dist = join(repoRoot, 'dist');
const batchFolder = join(dist, 'test', 'batches');
/** Several for each core, so that one slow batch does not leave the other cores idle at the end. */
const batchCount = 3 * availableParallelism();

const builtFile = (file: string): string => join(dist, file.replace(/\.ts$/, '.js'));

/**
 * Writes modules that each run several unit tests in one process, one suite a file, since starting Node for a file
 * takes longer than most unit tests. Returns their paths.
 */
function writeBatches(files: readonly string[]): readonly string[] {
  rmSync(batchFolder, { recursive: true, force: true });
  mkdirSync(batchFolder, { recursive: true });
  return Array.from({ length: batchCount }, (_, index) => {
    const lines = files
      .filter((_file, at) => at % batchCount === index)
      .map((file) => {
        const url = pathToFileURL(builtFile(file)).href;
        return `describe(${JSON.stringify(file)}, async () => { await import(${JSON.stringify(url)}); });\n`;
      });
    const path = join(batchFolder, `unit-${index + 1}.test.js`);
    writeFileSync(path, `import { describe } from 'node:test';\n${lines.join('')}`);
    return path;
  });
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { suite: { type: 'string', multiple: true, default: [] } },
});
const selection = selectTests(findTestFiles(repoRoot), { suites: values.suite, parts: positionals });
if (!selection.ok) {
  console.error(selection.error);
  process.exit(2);
}
const selected = selection.value;
const unit = selected.filter((file) => findSuites(file)[0]?.name === 'unit');
const useBatches = unit.length > 2 * batchCount;
const files = useBatches
  ? [...writeBatches(unit), ...selected.filter((file) => !unit.includes(file)).map(builtFile)]
  : selected.map(builtFile);
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
