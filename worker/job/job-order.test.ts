import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { findSkipReason, orderByNeeds, type NeedEnd } from './job-order.js';

const needs = new Map([
  ['a', []],
  ['b', ['a']],
  ['c', ['b']],
  ['d', ['a', 'c']],
]);

test('orderByNeeds() puts each job after those that it needs, and keeps the order of the others', () => {
  const table: readonly (readonly [string, string])[] = [
    ['b a', 'a b'],
    ['a b', 'a b'],
    ['d c b a', 'a b c d'],
    ['x b y a', 'x a b y'],
    ['y x', 'y x'],
    ['c a', 'a c'],
    ['d b', 'b d'],
    ['b', 'b'],
  ];
  for (const [given, expected] of table) {
    assert.equal(orderByNeeds(given.split(' '), needs).join(' '), expected, given);
  }
});

test('orderByNeeds() returns every name once, after its needs, for any jobs', () => {
  const graph = fc
    .array(fc.array(fc.nat(9), { maxLength: 4 }), { minLength: 1, maxLength: 10 })
    .map((lists) => new Map(lists.map((list, i) => [String(i), list.filter((n) => n < i).map(String)])));
  fc.assert(
    fc.property(graph, fc.infiniteStream(fc.nat()), (map, random) => {
      const names = [...map.keys()].sort(() => ((random.next().value as number) % 3) - 1);
      const ordered = orderByNeeds(names, map);
      assert.deepEqual([...ordered].sort(), [...names].sort());
      for (const [name, list] of map) {
        for (const need of list) assert.ok(ordered.indexOf(need) < ordered.indexOf(name), `${need} ${name}`);
      }
    }),
    { seed: 3 },
  );
});

test('findSkipReason() names the first need that did not pass, and how it ended', () => {
  const table: readonly (readonly [NeedEnd | undefined, string | undefined])[] = [
    [undefined, undefined],
    [{ kind: 'ended', outcome: 'passed' }, undefined],
    [{ kind: 'ended', outcome: 'flaky' }, undefined],
    [{ kind: 'ended', outcome: 'failed' }, 'it needs job "a", whose outcome is failed'],
    [{ kind: 'ended', outcome: 'error' }, 'it needs job "a", whose outcome is error'],
    [{ kind: 'ended', outcome: 'cancelled' }, 'it needs job "a", whose outcome is cancelled'],
    [{ kind: 'ended', outcome: 'empty' }, 'it needs job "a", whose outcome is empty'],
    [{ kind: 'skipped' }, 'it needs job "a", which was skipped'],
    [{ kind: 'not-started' }, 'it needs job "a", which could not start'],
  ];
  for (const [end, expected] of table) {
    const ends = new Map<string, NeedEnd>(end === undefined ? [] : [['a', end]]);
    assert.equal(findSkipReason('d', needs, ends), expected);
  }
});
