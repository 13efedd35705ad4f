import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { TokenStore } from './token-store.js';
import { generateToken } from './token.js';

test('TokenStore.find() refuses every token when the file cannot be read, and does not disclose its path', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'soil-tokens-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'tokens.json');
  for (const text of ['[', '{}', '[{}]', '']) {
    await writeFile(path, text);
    const found = await new TokenStore(path).find(generateToken('ci'), 0);
    assert.deepEqual(found, {
      ok: false,
      error: 'cannot accept the token: the site cannot read its tokens',
    });
  }
});
