/** A peer of serve-entry.ts, in its own process: takes `bare`, `same-head` or `sirv`, then a folder; prints its URL. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import sirv from 'sirv';
import { areaHeaders } from '../server/http/security-headers.js';

const [kind, files = '.'] = process.argv.slice(2);
const body = readFileSync(join(files, 'index.html.gz'));
const serveFiles = sirv(files, { gzip: true, etag: true });
const bareHeaders = {
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Encoding': 'gzip',
  'Content-Length': body.length,
};
/** The headers that soil-server sends with an entry. */
const fullHeaders = {
  ...areaHeaders('foreign'),
  ETag: '"1a.2b3c4d.5e6f.1234567890ab-12345678-gz"',
  Vary: 'Accept-Encoding',
  'Accept-Ranges': 'bytes',
  ...bareHeaders,
  'X-Request-Id': '0123456789ab',
};
const headers = kind === 'bare' ? bareHeaders : fullHeaders;
const server = createServer((request, response) => {
  if (kind === 'sirv') serveFiles(request, response);
  else response.writeHead(200, headers).end(body);
});
server.listen(0, '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
});
