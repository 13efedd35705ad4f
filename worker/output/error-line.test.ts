// cspell:ignore rror atal anic
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createByteFilter } from './byte-filter.js';
import { errorWords, isErrorLine, isErrorWord } from './error-line.js';
import { LineIndex } from './line-index.js';

const errors = [
  'src/a.c:3:5: error: x undeclared',
  'a.c:1:10: fatal error: b.h: No such file or directory',
  'error[E0308]: mismatched types',
  'error: could not compile `x`',
  'src/a.ts(3,5): error TS2322: Type',
  'src/a.ts:3:5 - error TS2322: Type',
  'ValueError: invalid literal',
  'AssertionError [ERR_ASSERTION]: Expected values',
  '    raise KeyError: x',
  'Exception in thread "main" java.lang.IllegalStateException: no',
  'Traceback (most recent call last):',
  'E       assert 1 == 2',
  'FAILED test_a.py::test_b - assert 1',
  '--- FAIL: TestX (0.00s)',
  'FAIL\tgithub.com/x/y\t0.1s',
  'FAIL src/a.test.js',
  'not ok 3 - adds',
  '✖ adds (1 ms)',
  '    ✕ adds',
  '[  FAILED  ] Suite.test',
  'test tests::x ... FAILED',
  '::error file=a.c,line=3::no',
  '##[error]Process completed with exit code 1.',
  'make: *** [Makefile:3: all] Error 2',
  'npm ERR! code ENOENT',
  'sh: 1: missing: not found',
  'bash: line 1: missing: command not found',
  'cat: x: No such file or directory',
  './a.go:3:5: undefined: x',
  "thread 'main' panicked at src/main.rs:3:5:",
  'panic: runtime error: index out of range',
  'Segmentation fault (core dumped)',
  "a.c:(.text+0x5): undefined reference to `f'",
  'fatal: not a git repository',
  "prog: a.c:3: main: Assertion `x' failed.",
];

const harmless = [
  'c++ -Werror -c error.cc -o error.o',
  '0 errors, 0 failures',
  'no error',
  'Compiling error-chain v1.0',
  'ok 3 - reports an error',
  '# failed 0',
  'not ok 4 - known # TODO later',
  'test result: ok. 5 passed; 0 failed',
  'retrying after a failure',
  'GET /errors/404.html 200',
  'assertions: 12',
  '',
];

test('isErrorLine() tells errors of common tools from lines that only mention them', () => {
  for (const line of errors) assert.ok(isErrorLine(line), line);
  for (const line of harmless) assert.ok(!isErrorLine(line), line);
  assert.ok(!isErrorLine(`error: ${'x'.repeat(5000)}`), 'a very long line is data');
});

test('LineIndex finds every error line: one of the words selects it', () => {
  for (const line of errors) {
    for (const shown of [
      line,
      `\u001b[1m\u001b[31m${line}\u001b[0m`,
      line.replace(/(?<=rror|atal|anic)(?=:)/, '\u001b[0m'),
    ]) {
      const index = new LineIndex(0);
      index.add(Buffer.from(`fine\n${shown}\r\nfine\n`));
      assert.equal(index.finish().firstError, 2, JSON.stringify(shown));
    }
  }
});

test('few lines that only mention errors are selected', () => {
  const find = createByteFilter(errorWords);
  const isSelected = (line: string): boolean => {
    const bytes = Buffer.from(`${line}\n`);
    const { ends, words } = find(bytes);
    return ends.some((end, i) => isErrorWord(bytes, end, words[i] ?? 0));
  };
  assert.ok(!isSelected('src/part-1.cc: 0 errors, 0 failures, no exception in this assertion'));
  assert.ok(harmless.filter(isSelected).length <= 4, harmless.filter(isSelected).join('; '));
});

test('createByteFilter() finds what a search of every word finds, in any case', () => {
  const words = ['error', 'fail', '*** ', '✖ '];
  const find = createByteFilter(
    words.map((word) => [word, Buffer.from(word).toString('utf8', 0, 3)] as const),
  );
  const piece = fc.constantFrom(...words, 'ERROR', 'Fail', 'err', 'or', 'x', ' ', '*', '✖', 'ail', '\n', 'é');
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const text = Buffer.from(pieces.join(''));
      const { ends, words: found } = find(text);
      const folded = Buffer.from(text.map((byte) => byte | 0x20));
      const expected = words.flatMap((word, i) => {
        const pattern = Buffer.from(Buffer.from(word).map((byte) => byte | 0x20));
        const at: (readonly [number, number])[] = [];
        for (let from = folded.indexOf(pattern); from >= 0; from = folded.indexOf(pattern, from + 1)) {
          at.push([from + pattern.length - 1, i]);
        }
        return at;
      });
      expected.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
      assert.deepEqual(
        ends
          .map((end, i) => [end, found[i]])
          .sort((a, b) => (a[0] ?? 0) - (b[0] ?? 0) || (a[1] ?? 0) - (b[1] ?? 0)),
        expected,
      );
    }),
  );
});
