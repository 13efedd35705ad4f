import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findWrongPhrases } from './wrong-phrases.js';

test('findWrongPhrases() returns the line, the phrase and the replacement', () => {
  assert.deepEqual(findWrongPhrases('one line\nhow to mend it\n'), [
    { line: 2, phrase: 'mend', instead: '"repair" or "fix"' },
  ]);
});

test('findWrongPhrases() finds a phrase that a line break or a comment marker interrupts', () => {
  const texts = ['it stops in\npeace', '  // it stops in\n  // peace', '/**\n * it stops in\n * peace\n */'];
  for (const text of texts) {
    assert.deepEqual(
      findWrongPhrases(text).map(({ phrase }) => phrase),
      ['in peace'],
      text,
    );
  }
});

test('findWrongPhrases() accepts words that only contain a phrase', () => {
  assert.deepEqual(findWrongPhrases('amend the recommendation; a dependency; the peacetime'), []);
});

test('findWrongPhrases() finds every wrong phrase', () => {
  const old = [
    ...[
      'Whoever asks',
      'nobody said where',
      'all is well',
      'it stands twice',
      'this leads on',
      'it tells whether',
    ],
    ...[
      'gives the site free',
      'of which nothing was heard',
      'the machinery ended',
      'who trickles gets a 408',
    ],
  ];
  for (const text of old) assert.equal(findWrongPhrases(text).length, 1, text);
});
