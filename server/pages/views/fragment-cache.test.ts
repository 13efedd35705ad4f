import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fragment } from '../../../templates/fragment.js';
import { FragmentCache } from './fragment-cache.js';

test('a FragmentMemo renders again only what is made of something else', () => {
  const memo = new FragmentCache();
  const [job, details] = [{}, {}];
  let renders = 0;
  const get = (of: object, parts: readonly unknown[]) =>
    memo.get(of, parts, () => new Fragment(String(++renders))).bytes.toString();
  assert.equal(get(job, [details]), '1');
  assert.equal(get(job, [details]), '1');
  assert.equal(get({ ...job }, [details]), '2');
  assert.equal(get(job, [{ ...details }]), '3');
  assert.equal(get(job, [details]), '4');
  assert.equal(get(job, []), '5');
});

test('a FragmentMemo forgets what was used least lately, and keeps within its bytes', () => {
  const memo = new FragmentCache();
  const jobs = Array.from({ length: 20 }, () => ({}));
  let renders = 0;
  const get = (of: object) =>
    memo.get(of, [], () => {
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
