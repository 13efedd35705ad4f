import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { algorithmsFor, hostEntryName, checkKey, knownKeyTypes, parseKnownHosts } from './known-hosts.js';

const key = Buffer.from('the key of the host');
const other = Buffer.from('another key');
const text = (b: Buffer): string => b.toString('base64');
const salt = Buffer.from('twenty bytes of salt');
const hashed = (name: string): string =>
  `|1|${text(salt)}|${createHmac('sha1', salt).update(name).digest('base64')}`;

const table: readonly (readonly [string, string, string, number, string])[] = [
  ['a plain name', `ci.example ssh-ed25519 ${text(key)} comment`, 'ci.example', 22, 'known'],
  ['a name in another case', `CI.example ssh-ed25519 ${text(key)}`, 'ci.Example', 22, 'known'],
  ['one of several names', `a,ci.example,192.0.2.1 ssh-ed25519 ${text(key)}`, '192.0.2.1', 22, 'known'],
  ['another key', `ci.example ssh-ed25519 ${text(other)}`, 'ci.example', 22, 'changed'],
  ['another host', `cx.example ssh-ed25519 ${text(key)}`, 'ci.example', 22, 'unknown'],
  ['a port', `[ci.example]:2222 ssh-ed25519 ${text(key)}`, 'ci.example', 2222, 'known'],
  ['another port', `[ci.example]:2222 ssh-ed25519 ${text(key)}`, 'ci.example', 22, 'unknown'],
  ['an entry without the port', `ci.example ssh-ed25519 ${text(key)}`, 'ci.example', 2222, 'unknown'],
  ['a hashed name', `${hashed('ci.example')} ssh-ed25519 ${text(key)}`, 'ci.example', 22, 'known'],
  ['a hashed port', `${hashed('[ci.example]:2222')} ssh-ed25519 ${text(key)}`, 'ci.example', 2222, 'known'],
  ['another hashed name', `${hashed('cx.example')} ssh-ed25519 ${text(key)}`, 'ci.example', 22, 'unknown'],
  ['a pattern', `*.example ssh-ed25519 ${text(key)}`, 'ci.example', 22, 'known'],
  ['a dot, which is not a pattern', `ci.example ssh-ed25519 ${text(key)}`, 'cixexample', 22, 'unknown'],
  ['a negated pattern', `*.example,!ci.example ssh-ed25519 ${text(key)}`, 'ci.example', 22, 'unknown'],
  ['a revoked key', `@revoked * ssh-ed25519 ${text(key)}`, 'ci.example', 22, 'revoked'],
  [
    'a key of a certificate authority',
    `@cert-authority * ssh-ed25519 ${text(key)}`,
    'ci.example',
    22,
    'unknown',
  ],
  ['a comment', `# ci.example ssh-ed25519 ${text(key)}`, 'ci.example', 22, 'unknown'],
  ['an incomplete line', 'ci.example ssh-ed25519', 'ci.example', 22, 'unknown'],
  [
    'two keys',
    `ci.example ssh-rsa ${text(other)}\nci.example ssh-ed25519 ${text(key)}`,
    'ci.example',
    22,
    'known',
  ],
];

for (const [what, file, host, port, verdict] of table) {
  test(`checkKey() returns ${verdict} for ${what}`, () => {
    assert.equal(checkKey(parseKnownHosts(file), hostEntryName(host, port), key), verdict);
  });
}

test('checkKey() returns revoked for a key that is also trusted', () => {
  const file = `ci.example ssh-ed25519 ${text(key)}\n@revoked ci.example ssh-ed25519 ${text(key)}\n`;
  assert.equal(checkKey(parseKnownHosts(file), 'ci.example', key), 'revoked');
});

test('knownKeyTypes() and algorithmsFor() select the known keys of a host', () => {
  const hosts = parseKnownHosts(
    `h ssh-rsa ${text(key)}\nh ssh-ed25519 ${text(other)}\n@revoked h x ${text(key)}`,
  );
  assert.deepEqual(knownKeyTypes(hosts, 'h'), ['ssh-rsa', 'ssh-ed25519']);
  assert.deepEqual(algorithmsFor(['ssh-rsa', 'ssh-ed25519']), [
    'rsa-sha2-512',
    'rsa-sha2-256',
    'ssh-rsa',
    'ssh-ed25519',
  ]);
});
