import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatRequestLine, type RequestLine } from './access-log.js';

const line: RequestLine = {
  ...{ id: '0123456789ab', time: 1_700_000_000.25, method: 'GET', url: '/a.html?token=secret' },
  ...{ status: 200, milliseconds: 1.6 },
};

test('formatRequestLine() writes JSON with the path, without its query', () => {
  assert.equal(
    formatRequestLine(line, 'json'),
    '{"time":"2023-11-14T22:13:20.250Z","id":"0123456789ab","method":"GET","path":"/a.html","status":200,"ms":2}',
  );
  assert.deepEqual(JSON.parse(formatRequestLine({ ...line, project: '/oils', token: 'ci' }, 'json')), {
    ...{ time: '2023-11-14T22:13:20.250Z', id: '0123456789ab', method: 'GET', path: '/a.html' },
    ...{ status: 200, ms: 2, project: '/oils', token: 'ci' },
  });
});

test('formatRequestLine() writes any path and name as one line of JSON', () => {
  for (const odd of ['/"', '/\\', '/\n', '/\u2028', '/\ud800', '/caf\u00e9', '/a b', '/\u0000"},{"x":"']) {
    const text = formatRequestLine({ ...line, url: odd, token: odd, project: odd }, 'json');
    assert.doesNotMatch(text, /[\n\u0000]/);
    const { path, token, project } = JSON.parse(text) as Record<string, unknown>;
    assert.deepEqual([path, token, project], [odd, odd, odd]);
  }
});

test('formatRequestLine() writes the time of each line', () => {
  const times = [1, 1.0015, 1.0016, 1].map(
    (time) => formatRequestLine({ ...line, time }, 'text').split(' ')[0],
  );
  assert.deepEqual(
    times,
    [0, 1, 1, 0].map((ms) => `1970-01-01T00:00:01.00${ms}Z`),
  );
});
