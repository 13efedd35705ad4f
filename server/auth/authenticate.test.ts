import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import type { IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { valueOf } from '../../model/result.js';
import { authenticate, type AccessPolicy } from './authenticate.js';
import { makePrivateFolder } from '../disk/private-folder.js';
import { createToken, TokenStore } from './token-store.js';

const now = 1_800_000_000;
let folder: string;
let token: string;
let store: TokenStore;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'soil-tokens-'));
  const own = await makePrivateFolder(folder);
  const scope = { id: 'ci', actions: ['append'], jobs: '*', notBefore: now } as const;
  token = valueOf(await createToken(own, scope, now));
  store = new TokenStore(own.tokens);
});
after(() => rm(folder, { recursive: true, force: true }));

/** Returns the id of the sender, or the kind of the refusal and its reason. */
async function ask(
  headers: IncomingHttpHeaders,
  { isOpen = false }: Partial<AccessPolicy> = {},
): Promise<string> {
  const found = await authenticate({ tokens: store, isOpen }, headers, now);
  return found.ok ? found.value.id : `${found.error.kind}: ${found.error.reason}`;
}

test('authenticate() accepts a token as Bearer, or as the password of Basic with any name', async () => {
  const basic = (pair: string) => `Basic ${Buffer.from(pair).toString('base64')}`;
  assert.equal(await ask({ authorization: `Bearer ${token}` }), 'ci');
  assert.equal(await ask({ authorization: `bearer  ${token}` }), 'ci');
  assert.equal(await ask({ authorization: basic(`anyone:${token}`) }), 'ci');
  for (const authorization of [
    '',
    'Bearer',
    `Digest ${token}`,
    basic(token),
    `Bearer ${token}x`,
    'Bearer soil_ci_x',
  ])
    assert.match(await ask({ authorization }), /^unauthenticated: /, authorization);
});

test('authenticate() rejects a request without a token, unless the server is open', async () => {
  const here = { host: '127.0.0.1:8080' };
  assert.match(await ask(here), /^unauthenticated: .*without a token/);
  for (const host of ['127.0.0.1:8080', '127.9.9.9', 'localhost:1', '[::1]:8080'])
    assert.equal(await ask({ host }, { isOpen: true }), 'anyone-on-loopback', host);
});

test('authenticate() of an open server rejects pages of other sites, and DNS rebinding', async () => {
  const host = '127.0.0.1:8080';
  const open = { isOpen: true };
  assert.equal(await ask({ host, origin: `http://${host}` }, open), 'anyone-on-loopback');
  for (const origin of ['https://evil.example', 'null', 'http://127.0.0.1:81'])
    assert.match(await ask({ host, origin }, open), /^forbidden: .*it is another site/, origin);
  for (const name of ['evil.example', 'localhost.evil.example:8080', '127.0.0.1.evil.example', ''])
    assert.match(await ask({ host: name }, open), /^forbidden: .*not a loopback name/, name);
});

test('authenticate() of an open server rejects forwarded requests, unless they have a token', async () => {
  const forwarded = { host: '127.0.0.1:8080', 'x-forwarded-for': '192.0.2.1' };
  const open = { isOpen: true };
  assert.match(await ask(forwarded, open), /^forbidden: .*a proxy forwarded it \("x-forwarded-for"\)/);
  for (const name of ['via', 'forwarded', 'x-real-ip'])
    assert.match(await ask({ host: 'localhost', [name]: 'x' }, open), /^forbidden: /, name);
  assert.equal(await ask({ ...forwarded, authorization: `Bearer ${token}` }, open), 'ci');
});
