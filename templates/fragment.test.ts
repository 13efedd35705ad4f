import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fragment, withFragments } from './fragment.js';

test('withFragments() replaces every placeholder with its fragment', () => {
  const [a, b] = [new Fragment('<b>ä</b>'), new Fragment('✗')];
  const page = withFragments(() => `1${b.toHTML()}2${a.toHTML()}3${a.toHTML()}`);
  assert.equal(page.toString(), '1✗2<b>ä</b>3<b>ä</b>');
  assert.equal(withFragments(() => 'none').toString(), 'none');
});

test('Fragment.toHTML() throws outside withFragments()', () => {
  assert.throws(() => new Fragment('x').toHTML(), /outside withFragments\(\)/);
  assert.throws(
    () =>
      withFragments(() => {
        throw new Error('a bug');
      }),
    /a bug/,
  );
  assert.throws(() => new Fragment('x').toHTML(), /outside withFragments\(\)/);
});
