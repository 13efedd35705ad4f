import assert from 'node:assert/strict';
import { test } from 'node:test';
import { usageError, type ProgramContext } from './command-context.js';
import { examples, createProgram } from './program.js';

const contextOf = (lines: string[]): ProgramContext => ({
  environment: {},
  cwd: '/',
  version: '1.2.3',
  print: (line) => lines.push(line),
  warn: (line) => lines.push(line),
  cancel: new AbortController().signal,
});

test('examples() removes the common indent of the lines', () => {
  const text = examples`
    soil-worker run unit
    soil-worker run docs

  More text.`;
  assert.equal(text, '\nExamples:\n  soil-worker run unit\n  soil-worker run docs\n\nMore text.');
});

test('usageError() prints the message and returns 2', () => {
  const lines: string[] = [];
  assert.equal(usageError(contextOf(lines), 'no site folder given'), 2);
  assert.deepEqual(lines, ['no site folder given']);
});

test('run() returns the status of the command, and the crash status after an unexpected error', async () => {
  const lines: string[] = [];
  const { registry, run } = createProgram({
    ...{ name: 'soil-test', description: '', help: '', crashStatus: 70 },
    context: contextOf(lines),
    handleSignals: () => undefined,
  });
  registry.command('pass', 'return 3').action(() => registry.finish(Promise.resolve(3)));
  registry.command('crash', 'throw').action(() => registry.finish(Promise.reject(new Error('a bug'))));
  assert.equal(await run(['pass']), 3);
  assert.equal(await run(['crash']), 70);
  assert.match(lines.join('\n'), /Error: a bug/);
});
