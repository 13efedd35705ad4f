/** The peers of serve-entry.ts, each a process of its own: `bare` or `sirv`, then the folder; prints its URL. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import sirv from 'sirv';

const [kind, files = '.'] = process.argv.slice(2);
const body = readFileSync(join(files, 'index.html.gz'));
const serveFiles = sirv(files, { gzip: true, etag: true });
const headers = {
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Encoding': 'gzip',
  'Content-Length': body.length,
};
const server = createServer((request, response) => {
  if (kind === 'sirv') serveFiles(request, response);
  else response.writeHead(200, headers).end(body);
});
server.listen(0, '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
});
