/** Checks spelling (cspell) and phrases that are always wrong, in everything a person reads; prints file, line and fix. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run, repoRoot } from './command.js';
import { findWrongPhrases } from './wrong-phrases.js';

/** Not ours to word, or no prose: the golden pages repeat their templates. */
const skippedFolders = /(^|\/)(\.git|_soil|dist|golden|node_modules)(\/|$)/;
/** Lists the phrases themselves. */
const skippedFiles = ['test/wrong-phrases.ts', 'test/wrong-phrases.test.ts'];

function findTexts(folder: string): string[] {
  return readdirSync(join(repoRoot, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (skippedFolders.test(path) || skippedFiles.includes(path)) return [];
    if (entry.isDirectory()) return findTexts(path);
    return /\.(md|ts|hbs|sh|ya?ml)$/.test(path) ? [path] : [];
  });
}

/** Reads a file; in Markdown, blanks out inline code, which may quote old words. */
function readProse(file: string): string {
  const text = readFileSync(join(repoRoot, file), 'utf8');
  return file.endsWith('.md') ? text.replace(/`[^`\n]+`/g, (code) => ' '.repeat(code.length)) : text;
}

let count = 0;
for (const file of findTexts('').sort()) {
  for (const { line, phrase, instead } of findWrongPhrases(readProse(file))) {
    count++;
    console.log(`${file}:${line} - "${phrase}": write ${instead}`);
  }
}
const cspell = join(repoRoot, 'node_modules', 'cspell', 'bin.mjs');
const spelling = await run(
  process.execPath,
  [cspell, 'lint', '--no-progress', '--no-summary', '--no-color'],
  {
    cwd: repoRoot,
  },
);
process.stdout.write(spelling.stdout);
process.stderr.write(spelling.stderr);
if (count > 0 || spelling.status !== 0) process.exitCode = 1;
