/** Reads and writes files on another machine over SFTP. Writes a file completely or not at all. */
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { SFTPWrapper } from 'ssh2';
import { replaceFile } from '../files/atomic-file.js';
import { errorMessage } from '../model/error-message.js';
import { quote } from '../model/result.js';

export interface RemoteEntry {
  readonly name: string;
  readonly kind: 'file' | 'folder' | 'other';
  readonly bytes: number;
}

/** Files on another machine. The methods throw errors whose messages need no context. */
export class RemoteFiles {
  constructor(private readonly sftp: SFTPWrapper) {}

  /** Returns whether a path exists. Throws on errors other than SSH_FX_NO_SUCH_FILE, which is 2. */
  async exists(path: string): Promise<boolean> {
    try {
      await call((done) => {
        this.sftp.stat(path, (error) => {
          done(error);
        });
      });
      return true;
    } catch (error) {
      if ((error as { readonly code?: unknown }).code === 2) return false;
      throw new Error(`cannot stat ${quote(path)}: ${errorMessage(error)}`);
    }
  }

  list(folder: string): Promise<readonly RemoteEntry[]> {
    return new Promise((resolve, reject) => {
      this.sftp.readdir(folder, (error, list) => {
        if (error !== undefined) reject(new Error(`cannot list ${quote(folder)}: ${error.message}`));
        else {
          const entries = list.map(({ filename, attrs }) => ({
            name: filename,
            kind: attrs.isFile() ? 'file' : attrs.isDirectory() ? 'folder' : 'other',
            bytes: attrs.size,
          }));
          resolve(entries as readonly RemoteEntry[]);
        }
      });
    });
  }

  /** Creates the parent folders of `path` below `root`. */
  async makeFolders(root: string, path: string): Promise<void> {
    let folder = root;
    for (const part of path.split('/').slice(0, -1)) {
      folder += `/${part}`;
      await this.makeFolder(folder);
    }
  }

  /** Creates a folder unless it exists. */
  async makeFolder(folder: string, mode = 0o755): Promise<void> {
    await call((done) => {
      this.sftp.mkdir(folder, { mode }, done);
    }).catch(async (error: unknown) => {
      if (!(await this.exists(folder)))
        throw new Error(`cannot create ${quote(folder)}: ${errorMessage(error)}`);
    });
  }

  /**
   * Uploads a file under a temporary name, then renames it. Fails if `path` exists, unless `replace` is set, which needs
   * OpenSSH's POSIX rename.
   */
  async upload(file: string, path: string, { replace = false } = {}): Promise<void> {
    const at = path.lastIndexOf('/');
    const temporary = `${path.slice(0, at)}/.${path.slice(at + 1)}.${randomBytes(8).toString('hex')}.tmp`;
    try {
      await pipeline(
        createReadStream(file),
        this.sftp.createWriteStream(temporary, { flags: 'wx', mode: 0o644 }),
      );
      await call((done) => {
        if (replace) this.sftp.ext_openssh_rename(temporary, path, done);
        else this.sftp.rename(temporary, path, done);
      });
    } catch (error) {
      await call((done) => {
        this.sftp.unlink(temporary, done);
      }).catch(() => undefined);
      throw new Error(`cannot write ${quote(path)}: ${errorMessage(error)}`);
    }
  }

  /** Downloads the remote file at `path` to `file`, which is replaced only after a complete download. */
  async download(path: string, file: string): Promise<void> {
    await mkdir(dirname(file), { recursive: true });
    const receive = (temporary: string): Promise<void> =>
      pipeline(this.sftp.createReadStream(path), createWriteStream(temporary, { flags: 'wx' }));
    await replaceFile(file, receive, { sync: false });
  }

  /** Returns whether a local and a remote file have the same bytes. */
  async isSame(file: string, path: string): Promise<boolean> {
    const [local, remote] = await Promise.all([
      digest(createReadStream(file)),
      digest(this.sftp.createReadStream(path)),
    ]);
    return local === remote;
  }
}

async function digest(stream: NodeJS.ReadableStream): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(stream, hash);
  return hash.digest('hex');
}

function call(start: (done: (error?: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    start((error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}
