/** Starts Debian's docker-registry on loopback, behind a proxy that can be made to fail or hang. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { freePort } from './free-port.js';

export interface TestRegistry {
  /** `127.0.0.1:PORT` of the proxy */
  readonly address: string;
  /** `fine`: pass on; `broken`: 503 for everything; `hanging`: no response */
  readonly setMode: (mode: 'fine' | 'broken' | 'hanging') => void;
  /** number of requests that were not passed on */
  readonly refused: () => number;
  /** path of a registries.conf that allows podman plain HTTP */
  readonly podmanConfig: string;
  readonly close: () => Promise<void>;
}

export async function startRegistry(): Promise<TestRegistry> {
  const folder = await mkdtemp(join(tmpdir(), 'soil-registry-'));
  const port = await freePort();
  const config = join(folder, 'config.yml');
  await writeFile(
    config,
    `version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: ${folder}/data}}\n` +
      `http: {addr: "127.0.0.1:${port}"}\n`,
  );
  const child = spawn('docker-registry', ['serve', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const ended = once(child, 'exit');
  ended.catch(() => undefined);
  let mode: 'fine' | 'broken' | 'hanging' = 'fine';
  let refused = 0;
  const front = createServer((incoming, answer) => {
    if (mode !== 'fine') {
      refused += 1;
      if (mode === 'broken') answer.writeHead(503).end();
      return;
    }
    const { method, headers, url } = incoming;
    const passed = request({ port, host: '127.0.0.1', method, headers, path: url }, (theirs) => {
      answer.writeHead(theirs.statusCode ?? 502, theirs.headers);
      theirs.pipe(answer);
    });
    passed.on('error', () => answer.destroy());
    incoming.pipe(passed);
  });
  await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
  const address = `127.0.0.1:${(front.address() as AddressInfo).port}`;
  const podmanConfig = join(folder, 'registries.conf');
  await writeFile(podmanConfig, `[[registry]]\nlocation = "${address}"\ninsecure = true\n`);
  for (const deadline = Date.now() + 60_000; !(await answers(`http://127.0.0.1:${port}/v2/`));) {
    if (child.exitCode !== null || Date.now() > deadline)
      throw new Error(`docker-registry does not respond\n${log}`);
    await setTimeout(50);
  }
  return {
    ...{ address, podmanConfig, refused: () => refused },
    setMode: (to) => (mode = to),
    close: async () => {
      front.closeAllConnections();
      front.close();
      child.kill('SIGTERM');
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const answers = (url: string): Promise<boolean> =>
  fetch(url).then(
    ({ ok }) => ok,
    () => false,
  );
