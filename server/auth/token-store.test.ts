import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { TokenStore } from './token-store.js';
import { makeToken } from './token.js';

test('TokenBook.find() lets nobody in by tokens that cannot be read, nor tells where they are', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'soil-tokens-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'tokens.json');
  for (const text of ['[', '{}', '[{}]', '']) {
    await writeFile(path, text);
    const found = await new TokenStore(path).find(makeToken('ci'), 0);
    assert.deepEqual(found, {
      ok: false,
      error: 'cannot accept the token: the site cannot read its own tokens',
    });
  }
});
