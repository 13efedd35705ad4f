import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { must, soilWorker, worker, type CommandEnd } from './command.js';
import { makeRepo } from './git-repo.js';
import { startSshd, type TestSshd } from './sshd.js';

const soilYml = `project: p
jobs:
  unit:
    image: none
    tasks:
      - name: greet
        run: echo hello
`;

describe('soil-worker publish --ssh', () => {
  let sshd: TestSshd;
  let repo: string;
  let site: string;
  before(async () => {
    sshd = await startSshd();
    site = join(sshd.folder, 'site');
    await mkdir(site);
    repo = await makeRepo({ 'soil.yml': soilYml });
    const ran = await worker(['run', 'unit', '--run-id', 'r1'], { cwd: repo });
    assert.equal(ran.status, 0, ran.stderr);
  });
  after(async () => {
    await sshd.close();
    await must('rm', ['-rf', repo]);
  });

  /** Publishes with the given lines as known hosts. */
  const publish = async (knownHosts: string, more: readonly string[] = []): Promise<CommandEnd> => {
    const file = join(sshd.folder, 'known_hosts');
    await writeFile(file, knownHosts);
    const target = ['--ssh', `${sshd.user}@127.0.0.1:${site}`, '--ssh-port', String(sshd.port)];
    return worker(['publish', 'unit', ...target, '--ssh-key', sshd.key, '--known-hosts', file, ...more], {
      cwd: repo,
    });
  };
  const trusted = (): string => `[127.0.0.1]:${sshd.port} ${sshd.hostKey}\n`;
  const filesThere = async (): Promise<string[]> =>
    (await readdir(site, { recursive: true, withFileTypes: true }))
      .filter((f) => f.isFile())
      .map((f) => f.name)
      .sort();

  it('refuses a host that is not in known_hosts, before it connects', async () => {
    const end = await publish(`127.0.0.1 ${sshd.hostKey}\n`);
    assert.equal(end.status, 2, 'the entry is for port 22');
    assert.match(
      end.stderr,
      new RegExp(`cannot trust host "\\[127\\.0\\.0\\.1\\]:${sshd.port}": .* has no key for it`),
    );
    assert.deepEqual(await filesThere(), []);
  });

  it('a second signal ends a connection to a silent host; the files are kept, and the next command is printed', async (t) => {
    let connections = 0;
    const silent = createServer((socket) => {
      connections += 1;
      socket.resume().on('error', () => undefined);
      t.after(() => socket.destroy());
    });
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    t.after(() => silent.close());
    const port = String((silent.address() as AddressInfo).port);
    const known = join(sshd.folder, 'known_hosts');
    await writeFile(known, `[127.0.0.1]:${port} ${sshd.hostKey}\n`);
    const target = ['--ssh', `${sshd.user}@127.0.0.1:${site}`, '--ssh-port', port, '--ssh-key', sshd.key];
    const child = spawn(
      process.execPath,
      [soilWorker, 'run', 'unit', '--publish', ...target, '--known-hosts', known, '--out', sshd.folder],
      { cwd: repo, timeout: 60_000, killSignal: 'SIGKILL', env: { ...process.env, GITHUB_ACTIONS: '' } },
    );
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const ended = once(child, 'close');
    for (let i = 0; i < 1200 && connections < 1; i++) await new Promise((r) => setTimeout(r, 50));
    child.kill('SIGINT');
    child.kill('SIGTERM');
    assert.deepEqual(await ended, [1, null], stderr);
    assert.match(stderr, /^cannot publish job "unit" to .*: cancelled$/m);
    assert.match(
      stderr,
      /^the results are stored; to publish them later: soil-worker publish unit .*--ssh /m,
    );
  });

  it('refuses a host with a changed key and sends nothing', async () => {
    await must('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(sshd.folder, 'other')]);
    const [type = '', key = ''] = (await readFile(join(sshd.folder, 'other.pub'), 'utf8')).split(' ');
    const end = await publish(`[127.0.0.1]:${sshd.port} ${type} ${key}\n`);
    assert.equal(end.status, 1);
    assert.match(
      end.stderr,
      /cannot publish job "unit" to .*: the host's key differs from the one in known_hosts/,
    );
    assert.deepEqual(await filesThere(), []);
  });

  it('refuses a key file that others may read', async () => {
    const open = join(sshd.folder, 'open_key');
    await copyFile(sshd.key, open);
    await chmod(open, 0o644);
    const end = await publish(trusted(), ['--ssh-key', open]);
    assert.equal(end.status, 2);
    assert.match(end.stderr, /cannot read SSH key .*: other users can read it; run: chmod 600/);
  });

  it('refuses a folder that does not exist', async () => {
    const end = await publish(trusted(), ['--ssh', `${sshd.user}@127.0.0.1:${site}/none`]);
    assert.equal(end.status, 1);
    assert.match(end.stderr, /no such folder: ".*none"/);
  });

  it('publishes the three files, and does nothing a second time; known_hosts may be hashed', async () => {
    const first = await publish(trusted());
    assert.equal(first.status, 0, first.stderr);
    assert.match(first.stdout, /local-jobs\/r1\/unit\.json/);
    assert.deepEqual(await filesThere(), ['unit.json', 'unit.tsv', 'unit.wwz']);
    for (const suffix of ['json', 'tsv', 'wwz']) {
      await must('cmp', [
        join(site, 'local-jobs', 'r1', `unit.${suffix}`),
        join(repo, '_soil', 'unit', `unit.${suffix}`),
      ]);
    }
    const file = join(sshd.folder, 'hashed');
    await writeFile(file, trusted());
    await must('ssh-keygen', ['-q', '-H', '-f', file]);
    const hashed = await readFile(file, 'utf8');
    assert.match(hashed, /^\|1\|/);
    const again = await publish(hashed);
    assert.equal(again.status, 0, again.stderr);
  });

  it('refuses to overwrite a file with other bytes, and sends no other file', async () => {
    const ran = await worker(['run', 'unit', '--run-id', 'r2'], { cwd: repo });
    assert.equal(ran.status, 0);
    const there = join(site, 'local-jobs', 'r2');
    await mkdir(there);
    await writeFile(join(there, 'unit.json'), 'first come\n');
    const end = await publish(trusted());
    assert.equal(end.status, 1);
    assert.match(end.stderr, /unit\.json" exists with other content, and files are never overwritten/);
    assert.deepEqual(await readdir(there), ['unit.json']);
    assert.equal(await readFile(join(there, 'unit.json'), 'utf8'), 'first come\n');
  });

  it('refuses an invalid address', async () => {
    for (const ssh of ['host:dir', 'a@b', '-oProxyCommand=x@h:d', 'a@-h:d']) {
      const end = await publish(trusted(), [`--ssh=${ssh}`]);
      assert.equal(end.status, 2, ssh);
      assert.match(end.stderr, /cannot accept --ssh .*: it must be USER@HOST:DIR/);
    }
  });
});
