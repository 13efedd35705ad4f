import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { must, run, soilServer, type CommandEnd } from './command.js';
import { openSshHosts, type SshHosts } from './ssh-hosts.js';

describe('soil-server deploy', () => {
  let hosts: SshHosts;
  let folder: string;
  before(async () => {
    hosts = await openSshHosts();
    folder = hosts.folder;
  });
  after(() => hosts.close());
  const deploy = (host: 'able' | 'plain', site: string, more?: readonly string[]) =>
    hosts.deploy(host, site, more);
  const publish = (host: 'able' | 'plain', site: string) => hosts.publish(host, site);
  const rebuilt = async (site: string): Promise<CommandEnd> =>
    run(process.execPath, [soilServer, 'rebuild', site]);

  it('a host with soil-server: the folder is made, and pages are rebuilt there', async () => {
    const site = join(folder, 'new', "site 'a'");
    const first = await deploy('able', site);
    assert.equal(first.status, 0, first.stdout + first.stderr);
    assert.match(first.stdout, /the host has node v\d+\S* and soil-server \d/);
    assert.match(first.stdout, /0 runs, 0 jobs, 0 problems/);
    assert.match(await readFile(join(site, 'index.html'), 'utf8'), /<html/);
    assert.equal((await publish('able', site)).status, 0);
    const second = await deploy('able', site);
    assert.match(second.stdout, /1 runs, 1 jobs, 0 problems/);
    assert.match(await readFile(join(site, 'local-jobs/r1/index.html'), 'utf8'), /unit/);
  });

  it('a host without: pages are made here and sent, records stay as they are, and again is nothing to do', async () => {
    const site = join(folder, 'plain-site');
    const mirror = join(folder, 'mirror');
    const first = await deploy('plain', site, ['--mirror', mirror]);
    assert.equal(first.status, 0, first.stdout + first.stderr);
    assert.match(first.stdout, /node \(none\) and soil-server \(none\)/);
    assert.match(first.stdout, /the pages are made here/);
    assert.match(await readFile(join(site, 'index.html'), 'utf8'), /<html/);
    assert.equal((await publish('plain', site)).status, 0);
    const record = join(site, 'local-jobs/r1/unit.json');
    const before = await stat(record);
    const second = await deploy('plain', site, ['--mirror', mirror]);
    assert.match(second.stdout, /3 files of records fetched, \d+ files of pages written/);
    assert.match(await readFile(join(site, 'local-jobs/r1/index.html'), 'utf8'), /unit/);
    assert.equal((await stat(record)).mtimeMs, before.mtimeMs);
    const third = await deploy('plain', site, ['--mirror', mirror]);
    assert.match(third.stdout, /0 files of records fetched, 0 files of pages written/);
    const names = await readdir(site, { recursive: true });
    assert.deepEqual(
      names.filter((name) => name.includes('.tmp')),
      [],
    );
    // A rebuild in place finds nothing to write: the pages are those that the host would have made.
    assert.match((await rebuilt(site)).stdout, /; 0 files changed/);
  });

  it('refuses an address that is none and a host that is not known, before it touches anything', async () => {
    const none = await run(process.execPath, [soilServer, 'deploy', 'host:dir']);
    assert.equal(none.status, 2);
    assert.match(none.stderr, /cannot accept address "host:dir": it must be USER@HOST:DIR/);
    const known = join(folder, 'known');
    await writeFile(known, '');
    const stranger = await deploy('plain', join(folder, 'untouched'), ['--known-hosts', known]);
    assert.equal(stranger.status, 2);
    assert.match(stranger.stderr, /cannot trust host/);
    await assert.rejects(stat(join(folder, 'untouched')));
  });

  it('a name that is none of Soil’s is not fetched', async () => {
    const site = join(folder, 'odd-site');
    await mkdir(join(site, 'local-jobs', 'r9'), { recursive: true });
    for (const name of ['..json', '-x.json', 'a b.json', 'unit.exe', 'x\\..\\y.json']) {
      await writeFile(join(site, 'local-jobs', 'r9', name), '{}');
    }
    const end = await deploy('plain', site);
    assert.match(end.stdout, /0 files of records fetched/, end.stderr);
  });

  it('nginx, Apache and lighttpd serve the site by the snippets, and nothing private', async () => {
    const site = join(folder, 'plain-site');
    const snippets = join(site, '.soil', 'web-servers');
    assert.equal((await stat(join(site, '.soil'))).mode & 0o077, 0);
    await must('chmod', ['755', folder]);
    await writeFile(join(site, '.hidden'), 'secret\n');
    const artifacts = join(site, 'local-jobs', 'commits', '0'.repeat(40));
    await mkdir(artifacts, { recursive: true });
    await writeFile(join(artifacts, 'report.html'), '<script>1</script>');
    for (const name of ['nginx', 'apache', 'lighttpd'] as const) {
      const text = await readFile(join(snippets, `${name}.conf`), 'utf8');
      assert.ok(text.includes(site) && !text.includes('@SITE@'));
      const port = await freePort();
      const server = await startWebServer(name, { text, port, folder: join(folder, `run-${name}`) });
      try {
        const ask = (path: string) => fetch(`http://127.0.0.1:${port}${path}`);
        const page = await ask('/local-jobs/r1/');
        assert.equal(page.status, 200, name);
        assert.match(page.headers.get('content-type') ?? '', /^text\/html; ?charset=utf-8$/i, name);
        assert.match(page.headers.get('content-security-policy') ?? '', /^default-src 'self'/, name);
        assert.equal(page.headers.get('x-content-type-options'), 'nosniff', name);
        assert.match(await page.text(), /unit/);
        const wwz = await ask('/local-jobs/r1/unit.wwz');
        assert.equal(wwz.headers.get('content-type'), 'application/zip', name);
        const tsv = await ask('/local-jobs/r1/unit.tsv');
        assert.match(tsv.headers.get('content-type') ?? '', /^text\/tab-separated-values/, name);
        const report = await ask(`/local-jobs/commits/${'0'.repeat(40)}/report.html`);
        assert.match(report.headers.get('content-security-policy') ?? '', /^sandbox allow-scripts/, name);
        for (const path of [
          '/.hidden',
          '/.soil/web-servers/nginx.conf',
          '/local-jobs/r1/unit.wwz/index.html',
        ]) {
          assert.ok([403, 404].includes((await ask(path)).status), `${name} ${path}`);
        }
      } finally {
        await server.close();
      }
    }
  });
});

interface WebServer {
  readonly text: string;
  readonly port: number;
  readonly folder: string;
}

/** The snippet within the smallest configuration of its server, on loopback, as this user. */
async function startWebServer(
  name: 'nginx' | 'apache' | 'lighttpd',
  { text, port, folder }: WebServer,
): Promise<{ close: () => Promise<void> }> {
  await mkdir(folder);
  const file = join(folder, 'main.conf');
  const isRoot = process.getuid?.() === 0;
  const [program, args, config] = {
    nginx: [
      '/usr/sbin/nginx',
      ['-c', file, '-p', folder, '-e', join(folder, 'error.log')],
      `daemon off; pid ${folder}/pid; ${isRoot ? 'user root;' : ''}\nevents {}\nhttp {\naccess_log off;\n` +
        `client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi;\n` +
        `uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;\n` +
        `${text.replace('listen 80', `listen 127.0.0.1:${port}`)}\n}\n`,
    ],
    apache: [
      '/usr/sbin/apache2',
      ['-f', file, '-D', 'FOREGROUND'],
      `ServerRoot /usr/lib/apache2\nServerName localhost\nPidFile ${folder}/pid\nErrorLog ${folder}/error.log\n` +
        `Mutex file:${folder}\n` +
        ['mpm_event', 'authz_core', 'dir', 'mime', 'alias', 'headers']
          .map((module) => `LoadModule ${module}_module modules/mod_${module}.so\n`)
          .join('') +
        `TypesConfig /etc/mime.types\nListen 127.0.0.1:${port}\n${text.replace('*:80', `127.0.0.1:${port}`)}`,
    ],
    lighttpd: [
      '/usr/sbin/lighttpd',
      ['-D', '-f', file],
      `server.port = ${port}\nserver.bind = "127.0.0.1"\n${text}`,
    ],
  }[name] as [string, string[], string];
  await writeFile(file, config);
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const ended = once(child, 'exit');
  ended.catch(() => undefined);
  for (const deadline = Date.now() + 30_000; ;) {
    const up = await fetch(`http://127.0.0.1:${port}/index.html`).then(
      () => true,
      () => false,
    );
    if (up) break;
    if (child.exitCode !== null || Date.now() > deadline) throw new Error(`${name} does not answer\n${log}`);
    await setTimeout(50);
  }
  return {
    close: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
