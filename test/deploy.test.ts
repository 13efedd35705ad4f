import assert from 'node:assert/strict';
import { mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { run, soilServer, type CommandEnd } from './command.js';
import { startSshServers, type SshServers } from './ssh-servers.js';
import { snippetFiles } from './web-server.js';

describe('soil-server deploy', () => {
  let hosts: SshServers;
  let folder: string;
  before(async () => {
    hosts = await startSshServers();
    folder = hosts.folder;
  });
  after(() => hosts.close());
  const deploy = (host: 'with-server' | 'plain', site: string, more?: readonly string[]) =>
    hosts.deploy(host, site, more);
  const publish = (host: 'with-server' | 'plain', site: string) => hosts.publish(host, site);
  const rebuilt = async (site: string): Promise<CommandEnd> =>
    run(process.execPath, [soilServer, 'rebuild', site]);

  it('on a host with soil-server, creates the folder and rebuilds the pages there', async () => {
    const site = join(folder, 'new', "site 'a'");
    const first = await deploy('with-server', site);
    assert.equal(first.status, 0, first.stdout + first.stderr);
    assert.match(first.stdout, /found on the host: node v\d+\S*, soil-server \d/);
    assert.match(first.stdout, /read 0 runs and 0 jobs \(0 problems\)/);
    assert.match(await readFile(join(site, 'index.html'), 'utf8'), /<html/);
    assert.equal((await publish('with-server', site)).status, 0);
    const second = await deploy('with-server', site);
    assert.match(second.stdout, /read 1 run and 1 job \(0 problems\)/);
    assert.match(await readFile(join(site, 'local-jobs/r1/index.html'), 'utf8'), /unit/);
  });

  it('on a host without soil-server, sends pages made here, keeps the records, and changes nothing a second time', async () => {
    const site = join(folder, 'plain-site');
    const mirror = join(folder, 'mirror');
    const first = await deploy('plain', site, ['--mirror', mirror]);
    assert.equal(first.status, 0, first.stdout + first.stderr);
    assert.match(first.stdout, /node \(none\), soil-server \(none\)/);
    assert.match(first.stdout, /rendering the pages on this machine/);
    assert.match(await readFile(join(site, 'index.html'), 'utf8'), /<html/);
    assert.equal((await publish('plain', site)).status, 0);
    const record = join(site, 'local-jobs/r1/unit.json');
    const before = await stat(record);
    const second = await deploy('plain', site, ['--mirror', mirror]);
    assert.match(second.stdout, /fetched 3 record files, sent \d+ page files/);
    assert.match(await readFile(join(site, 'local-jobs/r1/index.html'), 'utf8'), /unit/);
    assert.equal((await stat(record)).mtimeMs, before.mtimeMs);
    const third = await deploy('plain', site, ['--mirror', mirror]);
    assert.match(third.stdout, /fetched 0 record files, sent 0 page files/);
    const names = await readdir(site, { recursive: true });
    assert.deepEqual(
      names.filter((name) => name.includes('.tmp')),
      [],
    );
    // A rebuild in place writes nothing: the pages are those that the host would have made.
    assert.match((await rebuilt(site)).stdout, /; wrote 0 files/);
  });

  it('refuses an invalid address and an unknown host before it changes anything', async () => {
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

  it('does not fetch files with names that are not Soil’s', async () => {
    const site = join(folder, 'odd-site');
    await mkdir(join(site, 'local-jobs', 'r9'), { recursive: true });
    for (const name of ['..json', '-x.json', 'a b.json', 'unit.exe', 'x\\..\\y.json']) {
      await writeFile(join(site, 'local-jobs', 'r9', name), '{}');
    }
    const end = await deploy('plain', site);
    assert.match(end.stdout, /fetched 0 record files/, end.stderr);
  });

  it('writes the snippets for web servers with the site’s folder, readable by their owner only', async () => {
    const site = join(folder, 'plain-site');
    const snippets = join(site, '.soil', 'web-servers');
    assert.equal((await stat(join(site, '.soil'))).mode & 0o077, 0);
    for (const name of Object.values(snippetFiles)) {
      const text = await readFile(join(snippets, name), 'utf8');
      assert.ok(text.includes(site) && !text.includes('@SITE@'), name);
    }
  });
});
