/** Selects test files by suite and by a part of their path. */
import { basename } from 'node:path';
import { findSimilarWord } from '../model/near-word.js';
import { accept, refuse, type Result } from '../model/result.js';
import { findSuites, suites } from './suites.js';

export interface Wanted {
  /** names of suites; none: all */
  readonly suites: readonly string[];
  /** parts of paths; none: every file of the suites */
  readonly parts: readonly string[];
}

/** The files of the wanted suites that have one of the parts in their path; an error for a name that selects none. */
export function selectTests(files: readonly string[], wanted: Wanted): Result<readonly string[]> {
  for (const name of wanted.suites) {
    const known = suites.map((suite) => suite.name);
    if (!known.includes(name))
      return refuse(`cannot run suite "${name}": it must be one of ${known.join(', ')}`);
  }
  const isWanted = (file: string): boolean =>
    wanted.suites.length === 0 || findSuites(file).some(({ name }) => wanted.suites.includes(name));
  const candidates = files.filter(isWanted);
  for (const part of wanted.parts) {
    if (candidates.some((file) => file.includes(part))) continue;
    const near = findNearNames(part, candidates);
    const hint = near.length === 0 ? '' : `; near matches: ${near.join(', ')}`;
    return refuse(`cannot run tests: no test file has "${part}" in its path${hint}`);
  }
  if (wanted.parts.length === 0) return accept(candidates);
  return accept(candidates.filter((file) => wanted.parts.some((part) => file.includes(part))));
}

/** At most five names of test files that are spelled like `part`, or share a word with it. */
function findNearNames(part: string, files: readonly string[]): readonly string[] {
  const names = [...new Set(files.map((file) => basename(file, '.test.ts')))];
  const near = new Set<string>();
  for (let left = names; near.size < 5; left = left.filter((name) => !near.has(name))) {
    const name = findSimilarWord(part, left);
    if (name === undefined) break;
    near.add(name);
  }
  const words = part.split(/\W+/).filter((word) => word.length > 2);
  for (const name of names) {
    if (name.split('-').some((word) => words.includes(word))) near.add(name);
  }
  return [...near].slice(0, 5);
}
