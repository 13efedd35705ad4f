import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fragment } from '../../../templates/fragment.js';
import { FragmentCache } from './fragment-cache.js';

test('FragmentCache.get() renders again when a part is not the same object', () => {
  const cache = new FragmentCache();
  const [job, details] = [{}, {}];
  let renders = 0;
  const get = (of: object, parts: readonly unknown[]) =>
    cache.get(of, parts, () => new Fragment(String(++renders))).bytes.toString();
  assert.equal(get(job, [details]), '1');
  assert.equal(get(job, [details]), '1');
  assert.equal(get({ ...job }, [details]), '2');
  assert.equal(get(job, [{ ...details }]), '3');
  assert.equal(get(job, [details]), '4');
  assert.equal(get(job, []), '5');
});

test('FragmentCache evicts the least recently used fragments when it is full', () => {
  const cache = new FragmentCache();
  const jobs = Array.from({ length: 20 }, () => ({}));
  let renders = 0;
  const get = (of: object) =>
    cache.get(of, [], () => {
      renders++;
      return new Fragment('x'.repeat(2 ** 20));
    });
  for (const job of jobs) get(job);
  assert.equal(renders, 20);
  for (const job of jobs.slice(-4)) get(job);
  assert.equal(renders, 20);
  for (const job of jobs.slice(0, 4)) get(job);
  assert.equal(renders, 24);
});
