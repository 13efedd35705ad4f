import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isTransient, parseHistory, parseInspection } from './image.js';

const id = 'a'.repeat(64);

test('isTransient() accepts network and registry errors, and rejects errors that a retry cannot fix', () => {
  for (const transient of [
    'Error response from daemon: Get "https://r.example/v2/": net/http: TLS handshake timeout',
    'Get "https://r.example/v2/": dial tcp: lookup r.example on 127.0.0.53:53: server misbehaving',
    'pinging container registry r.example: Get "https://r.example/v2/": dial tcp: lookup r.example: no such host',
    'dial tcp 192.0.2.1:443: connect: network is unreachable',
    'Get "https://r.example/v2/": context deadline exceeded',
    'toomanyrequests: You have reached your pull rate limit.',
    'received unexpected HTTP status: 429 Too Many Requests',
    'unexpected status code 503 Service Unavailable',
    'read tcp 10.0.0.2:4: read: connection reset by peer',
    'unexpected EOF',
  ]) {
    assert.ok(isTransient(transient), transient);
  }
  for (const permanent of [
    'manifest for r.example/a:b not found: manifest unknown: manifest unknown',
    'pull access denied for a, repository does not exist or may require authorization: denied',
    'invalid reference format',
    'no space left on device',
    'x509: certificate signed by unknown authority',
  ]) {
    assert.ok(!isTransient(permanent), permanent);
  }
});

test('parseInspection() finds digest and size in the output of both engines', () => {
  const podman = [{ Id: id, Digest: `sha256:${'b'.repeat(64)}`, RepoDigests: [], Size: 7 }];
  assert.deepEqual(parseInspection(JSON.stringify(podman)), { digest: `sha256:${'b'.repeat(64)}`, bytes: 7 });
  const pulled = [{ Id: `sha256:${id}`, RepoDigests: [`debian@sha256:${'c'.repeat(64)}`], Size: 8 }];
  assert.deepEqual(parseInspection(JSON.stringify(pulled)), { digest: `sha256:${'c'.repeat(64)}`, bytes: 8 });
  const local = [{ Id: `sha256:${id}`, RepoDigests: [], Size: 9 }];
  assert.deepEqual(parseInspection(JSON.stringify(local)), { digest: `sha256:${id}`, bytes: 9 });
  assert.deepEqual(parseInspection(JSON.stringify([{ Id: id }])), { digest: `sha256:${id}` });
  const both = [
    {
      Id: id,
      Digest: `sha256:${'b'.repeat(64)}`,
      RepoDigests: [`a:5000/x@sha256:${'d'.repeat(64)}`, `b/x@sha256:${'e'.repeat(64)}`],
    },
  ];
  assert.deepEqual(parseInspection(JSON.stringify(both), 'b/x:1'), { digest: `sha256:${'e'.repeat(64)}` });
  assert.deepEqual(parseInspection(JSON.stringify(both), 'a:5000/x'), { digest: `sha256:${'d'.repeat(64)}` });
  for (const text of ['', 'x', '{}', '[]', '[null]']) assert.deepEqual(parseInspection(text), {}, text);
});

test('parseHistory() returns the oldest layer first for both engines', () => {
  const layers = [
    { bytes: 74800000, command: 'ADD rootfs' },
    { bytes: 0, command: 'CMD ["sh"]' },
  ];
  const docker = '{"CreatedBy":"CMD [\\"sh\\"]","Size":"0B"}\n{"CreatedBy":"ADD rootfs","Size":"74.8MB"}\n';
  const podman = '[{"CreatedBy":"CMD [\\"sh\\"]","size":0},{"CreatedBy":"ADD rootfs","size":74800000}]\n';
  assert.deepEqual(parseHistory(docker), layers);
  assert.deepEqual(parseHistory(podman), layers);
  assert.deepEqual(parseHistory('Error: no such image\n'), []);
  assert.deepEqual(parseHistory('{"CreatedBy":""}\n'), [{ bytes: 0, command: '-' }]);
});
