import assert from 'node:assert/strict';
import { access, mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { must, run, soilServer } from './command.js';
import { waitForFile } from './wait-for.js';
import { serveSite } from './soil-server.js';
import { startSshServers, type SshServers } from './ssh-servers.js';

describe('soil-worker publish --ssh', () => {
  let hosts: SshServers;
  before(async () => {
    hosts = await startSshServers();
  });
  after(() => hosts.close());
  const newSite = async (name: string): Promise<string> => {
    const site = join(hosts.folder, name);
    await mkdir(site);
    return site;
  };
  const pageOf = (site: string, id = 'r1') => readFile(join(site, 'local-jobs', id, 'index.html'), 'utf8');

  it('rebuilds the pages over the same connection if the host has soil-server', async () => {
    const site = await newSite("site 'a'");
    const end = await hosts.publish('with-server', site);
    assert.equal(end.status, 0, end.stderr);
    assert.match(end.stdout, /read 1 run and 1 job \(0 problems\); wrote [1-9]\d* files/);
    assert.match(end.stdout, /unit\.wwz\n$/, 'the addresses come last');
    assert.equal(end.stderr, '');
    assert.match(await pageOf(site), /unit/);
    assert.match(await readFile(join(site, 'index.html'), 'utf8'), /r1/);
    const again = await hosts.publish('with-server', site);
    assert.match(again.stdout, /; wrote 0 files/);
  });

  it('--no-rebuild does not change the pages', async () => {
    const site = await newSite('left');
    const end = await hosts.publish('with-server', site, ['--no-rebuild']);
    assert.deepEqual([end.status, end.stderr], [0, '']);
    await access(join(site, 'local-jobs', 'r1', 'unit.json'));
    await assert.rejects(pageOf(site), /ENOENT/);
  });

  for (const host of ['plain', 'files-only'] as const) {
    it(`prints for a ${host} host one line with the command that makes the pages`, async () => {
      const site = await newSite(`site-${host}`);
      const end = await hosts.publish(host, site);
      assert.equal(end.status, 0, 'the files are published');
      assert.match(
        end.stderr,
        /^notice: the pages of "[^\n]*" are not rebuilt: soil-server is not installed there\. [^\n]*\n$/,
      );
      assert.match(end.stdout, /unit\.json/);
      const [, command = ''] = /To rebuild them from here, run: soil-server (.*)\n/.exec(end.stderr) ?? [];
      assert.match(command, /^deploy /);
      await assert.rejects(pageOf(site), /ENOENT/);
      const rebuilt = await run('sh', ['-c', `exec ${process.execPath} ${soilServer} ${command}`]);
      assert.equal(rebuilt.status, 0, rebuilt.stderr);
      assert.match(await pageOf(site), /unit/);
    });
  }

  it('waits for another writer of the site', async () => {
    const site = await newSite('busy');
    await must(process.execPath, [soilServer, 'init', '--site', site]);
    const server = await serveSite(site);
    const publishing = hosts.publish('with-server', site);
    await waitForFile(join(site, 'local-jobs', 'r1', 'unit.json'));
    await server.stop();
    const end = await publishing;
    assert.deepEqual([end.status, end.stderr], [0, '']);
    assert.match(await pageOf(site), /unit/);
  });

  it('fails if the rebuild fails, says that the files are published, and rebuilds with the next publish', async () => {
    const site = await newSite('broken');
    // A file in place of a folder of the site.
    await hosts.publish('plain', site);
    const own = join(site, '.soil');
    await rm(own, { recursive: true, force: true });
    await run('touch', [own]);
    const end = await hosts.publish('with-server', site);
    assert.equal(end.status, 1);
    assert.match(end.stderr, /^the files are uploaded, but the pages of ".*" cannot be rebuilt: .+/);
    await rm(own);
    assert.equal((await hosts.publish('with-server', site)).status, 0);
    assert.match(await pageOf(site), /unit/);
  });
});
