import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { findProblems } from './compiler-problems.js';

const options = { roots: ['/repo', '/home/ci/oils'], limit: 10 };
/** `FILE:LINE:COLUMN MESSAGE` */
const problemsIn = (log: string): string[] =>
  findProblems(log, options).map(
    ({ file, line, column, message }) => `${file}:${line}:${column ?? '-'} ${message}`,
  );

const table: readonly (readonly [name: string, log: string, problems: readonly string[]])[] = [
  [
    'gcc, with the lines around it',
    `src/a.c: In function 'main':
src/a.c:3:5: error: expected ';' before 'return'
    3 |     return 0
src/a.c:4:1: warning: control reaches end of non-void function
./src/b.c:9: error: no column here
/repo/src/c.c:1:10: fatal error: no.h: No such file or directory
/usr/include/x.h:7:1: error: not of this repo
make: *** [Makefile:3: a.o] Error 1`,
    [
      "src/a.c:3:5 expected ';' before 'return'",
      'src/b.c:9:- no column here',
      'src/c.c:1:10 no.h: No such file or directory',
    ],
  ],
  [
    'clang in color',
    "\u001b[1mlib/größe.cc:12:7: \u001b[0m\u001b[0;1;31merror: \u001b[0m\u001b[1muse of undeclared identifier 'x'\u001b[0m",
    ["lib/größe.cc:12:7 use of undeclared identifier 'x'"],
  ],
  [
    'tsc, plain and pretty',
    `worker/a.ts(3,5): error TS2322: Type 'string' is not assignable to type 'number'.
  The expected type comes from property 'x'
\u001b[96mworker/b.ts\u001b[0m:\u001b[93m7\u001b[0m:\u001b[93m9\u001b[0m - \u001b[91merror\u001b[0m\u001b[90m TS2304: \u001b[0mCannot find name 'y'.`,
    [
      "worker/a.ts:3:5 TS2322: Type 'string' is not assignable to type 'number'.",
      "worker/b.ts:7:9 TS2304: Cannot find name 'y'.",
    ],
  ],
  [
    'pytest',
    `    def test_sum():
>       assert add(1, 2) == 4
E       assert 3 == 4
E        +  where 3 = add(1, 2)

tests/test_sum.py:5: AssertionError
tests/test_io.py:9: in test_read
    read()
=== short test summary info ===
FAILED tests/test_sum.py::test_sum - assert 3 == 4`,
    ['tests/test_sum.py:5:- assert 3 == 4'],
  ],
  [
    'a traceback of Python: the innermost frame',
    `Traceback (most recent call last):
  File "/repo/bin/main.py", line 9, in <module>
    run()
  File "/repo/lib/run.py", line 3, in run
    raise ValueError('no: good')
ValueError: no: good`,
    ['lib/run.py:3:- ValueError: no: good'],
  ],
  [
    'go: compiler and test',
    `# example.org/x
./main.go:7:2: undefined: foo
vet: ./other.go:3:4: bad
--- FAIL: TestSum (0.00s)
    sum_test.go:12: got 3, want 4
FAIL`,
    ['main.go:7:2 undefined: foo', 'other.go:3:4 bad', 'sum_test.go:12:- got 3, want 4'],
  ],
  [
    'rustc and a panic, old and new',
    `error[E0308]: mismatched types
 --> src/main.rs:3:18
  |
warning: unused variable
 --> src/main.rs:9:1
error: aborting due to previous error
thread 'tests::sum' panicked at src/lib.rs:20:9:
assertion failed
thread 'main' panicked at 'old words', src/old.rs:4:5`,
    ['src/main.rs:3:18 mismatched types', 'src/lib.rs:20:9 assertion failed', 'src/old.rs:4:5 old words'],
  ],
  [
    'nothing in lines that only resemble a problem',
    `12:30:01: error: the clock
http://x.example:80/: error: refused
error: no place
note: src/a.c:3:5: error: quoted
../outside.c:1:1: error: not here
a/../../b.c:1:1: error: nor here`,
    [],
  ],
  ['a repeated problem once', 'a.c:1:1: error: x\na.c:1:1: error: x\n', ['a.c:1:1 x']],
];
for (const [name, log, problems] of table) {
  test(`findProblems() parses ${name}`, () => {
    assert.deepEqual(problemsIn(log), problems);
  });
}

test('findProblems() resolves paths against the folder of the task and the folders that make enters', () => {
  const log = `main.c:1:1: error: a
make: Entering directory '/repo/src'
deep/b.c:2:2: error: b
make[1]: Entering directory '/repo/src/lib'
../c.c:3:3: error: c
/repo/d.c:4:4: error: d
make[1]: Leaving directory '/repo/src/lib'
gmake[1]: Entering directory '/usr/src'
e.c:5:5: error: not of this repo
gmake[1]: Leaving directory '/usr/src'
f.c:6:6: error: f
make: Leaving directory '/repo/src'
g.c:7:7: error: g
../../h.c:8:8: error: not of this repo`;
  const locations = (folder?: string): string[] =>
    findProblems(log, { ...options, folder }).map(({ file, line }) => `${file}:${line}`);
  const made = ['src/deep/b.c:2', 'src/c.c:3', 'd.c:4', 'src/f.c:6'];
  assert.deepEqual(locations(), ['main.c:1', ...made, 'g.c:7']);
  assert.deepEqual(locations('sub'), ['sub/main.c:1', ...made, 'sub/g.c:7']);
});

test('findProblems() stops at its limit, and is fast for any log', () => {
  const many = Array.from({ length: 50 }, (_, i) => `a.c:${i + 1}:1: error: x`).join('\n');
  assert.equal(findProblems(many, options).length, 10);
  assert.deepEqual(problemsIn(`${'a:'.repeat(500_000)}\n${' '.repeat(500_000)}`), []);
  const word = fc.constantFrom(
    'a.c',
    ':',
    '3',
    ' error: ',
    '(',
    ')',
    ',',
    ' --> ',
    'E   ',
    '.py',
    '\n',
    'File "',
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 60 }), (words) => {
      for (const { file, line } of findProblems(words.join(''), options)) {
        assert.ok(!file.startsWith('/') && !file.includes('..') && line >= 0);
      }
    }),
  );
});
