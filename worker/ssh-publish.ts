/** A job's three files -> a site's folder on another machine, over SFTP: each whole or not at all, JSON last. */
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { NodeSSH } from 'node-ssh';
import type { SFTPWrapper } from 'ssh2';
import { jobFile, recordSuffixes, type RecordSuffix } from '../model/path.js';
import { accept, quote, refuse, type Result } from '../model/result.js';
import type { JobAddress } from '../model/run.js';
import { algorithmsFor, hostEntryName, judgeKey, knownKeyTypes, type KeyVerdict } from './known-hosts.js';
import type { JobFiles } from './progress.js';
import type { SshTarget } from './ssh-target.js';

/** The order in which the files become visible: the JSON makes a record of the rest. */
const order: readonly RecordSuffix[] = ['wwz', 'tsv', 'json'];
const connectSeconds = 20;
const totalSeconds = 30 * 60;

/** Sends what is not there yet; the paths on the other side are the answer. Nothing there is ever overwritten. */
export async function publishBySsh(
  target: SshTarget,
  { files, address }: { readonly files: JobFiles; readonly address: JobAddress },
): Promise<Result<readonly string[]>> {
  const shown = `${target.user}@${target.host}:${target.folder}`;
  const because = (reason: string) =>
    refuse(`cannot publish job ${quote(address.job)} to ${quote(shown, 300)}: ${reason}`);
  const ssh = new NodeSSH();
  const judged: { verdict?: KeyVerdict } = {};
  const timer = setTimeout(() => {
    ssh.dispose();
  }, totalSeconds * 1000);
  try {
    await connect(ssh, target, (verdict) => (judged.verdict = verdict));
    const sftp = await ssh.requestSFTP();
    return accept(await sendAll(sftp, { folder: target.folder, files, address }));
  } catch (error) {
    return because(describeTrouble(judged.verdict, error as Error));
  } finally {
    clearTimeout(timer);
    ssh.dispose();
  }
}

async function connect(ssh: NodeSSH, target: SshTarget, tell: (verdict: KeyVerdict) => void): Promise<void> {
  const { user, host, port, login, knownHosts } = target;
  const name = hostEntryName(host, port);
  const types = algorithmsFor(knownKeyTypes(knownHosts, name));
  await ssh.connect({
    ...{ host, port, username: user, ...login },
    readyTimeout: connectSeconds * 1000,
    ...{ keepaliveInterval: 10_000, keepaliveCountMax: 3 },
    // A host that has several keys must show one that is on file, or it would look like an impostor.
    algorithms: { serverHostKey: types as never },
    hostVerifier: (key: Buffer) => {
      const verdict = judgeKey(knownHosts, name, key);
      tell(verdict);
      return verdict === 'known';
    },
  });
}

function describeTrouble(verdict: KeyVerdict | undefined, error: Error): string {
  switch (verdict) {
    case 'changed':
      return "the host's key is not the one in known_hosts: it may be another machine";
    case 'revoked':
      return "the host's key is marked as revoked in known_hosts";
    case 'unknown':
      return "the host's key is not in known_hosts";
    case 'known':
    case undefined:
      return error.message;
  }
}

interface Upload {
  readonly folder: string;
  readonly files: JobFiles;
  readonly address: JobAddress;
}

async function sendAll(sftp: SFTPWrapper, { folder, files, address }: Upload): Promise<string[]> {
  if (!(await exists(sftp, folder))) throw new Error(`folder ${quote(folder)} is not there`);
  const pathOf = (suffix: RecordSuffix): string => `${folder}/${jobFile(address, suffix)}`;
  const missing: RecordSuffix[] = [];
  // All are compared before the first is sent: a refusal leaves nothing behind.
  for (const suffix of order) {
    if (!(await exists(sftp, pathOf(suffix)))) missing.push(suffix);
    else await demandSame(sftp, files[suffix], pathOf(suffix));
  }
  await makeFolders(sftp, folder, jobFile(address, 'json'));
  for (const suffix of missing) await place(sftp, files[suffix], pathOf(suffix));
  return recordSuffixes.map(pathOf);
}

/** A temporary name in the same folder, then a rename, which SFTP refuses to do over a file that is there. */
async function place(sftp: SFTPWrapper, file: string, path: string): Promise<void> {
  const at = path.lastIndexOf('/');
  const temporary = `${path.slice(0, at)}/.${path.slice(at + 1)}.${randomBytes(8).toString('hex')}.tmp`;
  try {
    await pipeline(createReadStream(file), sftp.createWriteStream(temporary, { flags: 'wx', mode: 0o644 }));
    await call((done) => {
      sftp.rename(temporary, path, done);
    });
  } catch (error) {
    await call((done) => {
      sftp.unlink(temporary, done);
    }).catch(() => undefined);
    // Another worker may have been first with the same bytes.
    if (!(await exists(sftp, path)))
      throw new Error(`cannot write ${quote(path)}: ${(error as Error).message}`);
    await demandSame(sftp, file, path);
  }
}

async function demandSame(sftp: SFTPWrapper, file: string, path: string): Promise<void> {
  const [ours, theirs] = await Promise.all([
    digest(createReadStream(file)),
    digest(sftp.createReadStream(path)),
  ]);
  if (ours !== theirs) throw new Error(`${quote(path)} is there with other bytes; nothing is overwritten`);
}

async function digest(stream: NodeJS.ReadableStream): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(stream, hash);
  return hash.digest('hex');
}

async function makeFolders(sftp: SFTPWrapper, root: string, path: string): Promise<void> {
  let folder = root;
  for (const part of path.split('/').slice(0, -1)) {
    folder += `/${part}`;
    await call((done) => {
      sftp.mkdir(folder, { mode: 0o755 }, done);
    }).catch(async (error: unknown) => {
      if (!(await exists(sftp, folder)))
        throw new Error(`cannot make ${quote(folder)}: ${(error as Error).message}`);
    });
  }
}

/** SFTP's status 2 is SSH_FX_NO_SUCH_FILE; every other trouble is told. */
async function exists(sftp: SFTPWrapper, path: string): Promise<boolean> {
  try {
    await call((done) => {
      sftp.stat(path, (error) => {
        done(error);
      });
    });
    return true;
  } catch (error) {
    if ((error as { readonly code?: unknown }).code === 2) return false;
    throw new Error(`cannot look at ${quote(path)}: ${(error as Error).message}`);
  }
}

function call(start: (done: (error?: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    start((error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}
