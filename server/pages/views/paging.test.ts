import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { changedPages, pageAt, pageCount, pageSlice, runsPerPage } from './paging.js';

const total = fc.integer({ min: 0, max: 2000 });

test('pageCount() leaves at least 20 runs of a long list for the newest page', () => {
  const table = [0, 1, 19, 20, 21, 39, 40, 59, 60].map((n) => [n, pageCount(n)]);
  assert.deepEqual(table, [
    [0, 1],
    [1, 1],
    [19, 1],
    [20, 1],
    [21, 1],
    [39, 1],
    [40, 2],
    [59, 2],
    [60, 3],
  ]);
});

test('pageSlice() puts every run on exactly one page, and pageAt() finds it', () => {
  fc.assert(
    fc.property(total, (n) => {
      const seen: number[] = [];
      for (let page = pageCount(n); page >= 1; page--) {
        const { start, end } = pageSlice(n, page);
        for (let i = start; i < end; i++) {
          seen.push(i);
          assert.equal(pageAt(n, i), page);
        }
      }
      assert.deepEqual(
        seen,
        Array.from({ length: n }, (_, i) => i),
      );
    }),
  );
});

test('pageSlice() returns the same runs for old pages when runs are added', () => {
  fc.assert(
    fc.property(total, fc.integer({ min: 0, max: 300 }), (n, more) => {
      const fromOldest = (sum: number, page: number) => {
        const { start, end } = pageSlice(sum, page);
        return [sum - end, sum - start];
      };
      for (let page = 1; page < pageCount(n); page++) {
        assert.deepEqual(fromOldest(n + more, page), fromOldest(n, page));
        assert.equal(fromOldest(n, page)[0], (page - 1) * runsPerPage);
      }
    }),
  );
});

test('changedPages() returns every page whose runs or links differ', () => {
  // A page shows its runs, and whether it or its neighbor has the newest page's address.
  const shown = (names: readonly number[], page: number) => {
    const count = pageCount(names.length);
    const { start, end } = pageSlice(names.length, page);
    return JSON.stringify([names.slice(start, end), page === count, page + 1 === count]);
  };
  fc.assert(
    fc.property(total, fc.nat(), (n, seed) => {
      const before = Array.from({ length: n }, (_, i) => n - i);
      const index = seed % (n + 1);
      const after = [...before.slice(0, index), 0.5, ...before.slice(index)];
      const named = changedPages(n, n + 1, index);
      for (let page = 1; page <= pageCount(n + 1); page++) {
        const isSame = page <= pageCount(n) && shown(before, page) === shown(after, page);
        assert.ok(isSame || named.includes(page), `page ${page} of ${n + 1}`);
      }
      assert.deepEqual(changedPages(n + 1, n + 1, index), [pageAt(n + 1, index)]);
    }),
  );
});
