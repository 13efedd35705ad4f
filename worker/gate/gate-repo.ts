/**
 * The repository in which the gate works: a new, bare one in a private folder. What it knows was fetched from the remote,
 * and its configuration is Soil's. Neither the files nor the objects of a checkout are asked.
 */
import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CommitHash } from '../../model/name.js';
import { accept, refuse, type Result } from '../../model/result.js';
import { gitReason, runGit, type Environment, type GitOptions, type Setting } from '../git/git.js';
import type { CommandResult } from '../system/run-process.js';
import { remoteAlias, remoteSettings, remoteTransports } from './remote-url.js';

export interface GateRepoOptions {
  /** a URL, or the absolute path of a repository on this machine */
  readonly url: string;
  readonly environment: Environment;
  /** sent to the host of an https URL */
  readonly token?: string;
  /** the remote's hashes are SHA-256 */
  readonly isSha256?: boolean;
  /** of each git command */
  readonly limitSeconds: number;
}

/** Enough for a trace of a hundred thousand refs. */
const maxOutputBytes = 100_000_000;

export class GateRepo {
  readonly #options: GateRepoOptions;
  #folder: Promise<string> | undefined;
  /** resolves when the repository is made; undefined: it was not needed yet */
  #made: Promise<Result<undefined>> | undefined;

  constructor(options: GateRepoOptions) {
    this.#options = options;
  }

  /** Runs git in the repository. */
  git(...args: readonly string[]): Promise<CommandResult> {
    return this.#run(args, true);
  }

  /** Reads the hash of a ref of the remote; undefined if it has no such ref. */
  async readRef(ref: string): Promise<Result<string | undefined>> {
    const listed = await this.#run(['ls-remote', '--', remoteAlias, ref], false);
    if (listed.status !== 0) return refuse(gitReason(listed));
    // ls-remote matches patterns at the end of a ref, so other refs may be listed, too.
    const line = listed.stdout.split('\n').find((l) => l.endsWith(`\t${ref}`));
    return accept(line?.split('\t')[0]);
  }

  /**
   * Fetches commits with their history. `branches` are tried for the commits that the remote does not give by their hash:
   * an old server serves branches only.
   */
  async fetch(commits: readonly CommitHash[], branches: readonly string[]): Promise<Result<undefined>> {
    const made = await (this.#made ??= this.#make(branches[0]));
    if (!made.ok) return made;
    const missing = async (): Promise<readonly CommitHash[]> => {
      const known = await Promise.all(commits.map((commit) => this.has(commit)));
      return commits.filter((_, i) => known[i] === false);
    };
    const wanted = await missing();
    if (wanted.length === 0) return accept(undefined);
    const fetched = await this.#fetch(wanted);
    if (fetched.status === 0) return accept(undefined);
    for (const branch of branches) {
      if ((await missing()).length > 0) await this.#fetch([`refs/heads/${branch}`]);
    }
    for (const commit of await missing()) await this.#fetch([commit]);
    const [absent] = await missing();
    return absent === undefined ? accept(undefined) : refuse(`cannot fetch ${absent}: ${gitReason(fetched)}`);
  }

  #fetch(what: readonly string[]): Promise<CommandResult> {
    const flags = ['--quiet', '--no-tags', '--no-write-fetch-head', '--no-recurse-submodules'];
    return this.git('fetch', ...flags, '--', 'origin', ...what);
  }

  /** Reports whether a commit was fetched. Never asks the remote for it. */
  async has(commit: CommitHash): Promise<boolean> {
    const { environment, limitSeconds } = this.#options;
    const end = await runGit(['cat-file', '-e', `${commit}^{commit}`], {
      ...{ environment, timeoutSeconds: limitSeconds, variables: { GIT_DIR: await this.#gitDir() } },
    });
    return end.status === 0;
  }

  /** Pushes a commit to a branch; never by force, and nothing else. */
  push(commit: CommitHash, branch: string): Promise<CommandResult> {
    const only = ['--porcelain', '--no-follow-tags', '--no-recurse-submodules', '--no-verify', '--no-signed'];
    return this.git('push', ...only, '--', 'origin', `${commit}:refs/heads/${branch}`);
  }

  /** Removes the repository. */
  async close(): Promise<void> {
    if (this.#folder !== undefined) await rm(await this.#folder, { recursive: true, force: true });
  }

  async #run(
    args: readonly string[],
    isInRepo: boolean,
    variables: Readonly<Record<string, string>> = {},
    settings: readonly Setting[] = [],
  ): Promise<CommandResult> {
    const { environment, url, token, limitSeconds } = this.#options;
    const folder = await this.#path();
    const options: GitOptions = {
      ...{ environment, cwd: folder, timeoutSeconds: limitSeconds, maxOutputBytes },
      ...{ settings: [...remoteSettings(url, token), ...settings], transports: remoteTransports(url) },
      variables: isInRepo
        ? { GIT_DIR: await this.#gitDir(), ...variables }
        : { GIT_CEILING_DIRECTORIES: tmpdir(), ...variables },
    };
    return runGit(args, options);
  }

  /**
   * Makes the repository. Over a network it is a clone of one branch without the content of files, if the remote allows
   * that: git then fetches the one file that is read. On this machine, where files cost little, everything is fetched.
   */
  async #make(branch: string | undefined): Promise<Result<undefined>> {
    const { url, isSha256 } = this.#options;
    if (await this.#isShallow())
      return refuse('cannot fetch: the remote is shallow, and does not have its history');
    const gitDir = await this.#gitDir();
    const check = (end: CommandResult): Result<undefined> =>
      end.status === 0 ? accept(undefined) : refuse(`cannot fetch: ${gitReason(end)}`);
    if (remoteTransports(url)[0] === 'file') {
      const format = isSha256 === true ? ['--object-format=sha256'] : [];
      const made = check(
        await this.#run(['init', '--quiet', '--bare', '--template=', ...format, gitDir], false),
      );
      return made.ok ? check(await this.git('remote', 'add', 'origin', remoteAlias)) : made;
    }
    const flags = ['--quiet', '--bare', '--no-tags', '--template=', '--filter=blob:none', '--single-branch'];
    const one = branch === undefined ? [] : ['--branch', branch];
    return check(await this.#run(['clone', ...flags, ...one, '--', remoteAlias, gitDir], false));
  }

  /**
   * Reports whether the remote lacks the history of its commits. Before version 2.45, git that was told to leave files out
   * asks such a remote for that history without end, each time in another process. Only the first version of the protocol
   * says beforehand whether a remote is shallow, and git shows that in a trace only.
   */
  async #isShallow(): Promise<boolean> {
    const words = ['ls-remote', '--', remoteAlias, 'HEAD'];
    const listed = await this.#run(words, false, { GIT_TRACE_PACKET: '1' }, [['protocol.version', '0']]);
    return /^.* packet: +\S+< shallow [0-9a-f]+$/m.test(listed.stderr);
  }

  async #gitDir(): Promise<string> {
    return join(await this.#path(), 'gate.git');
  }

  /** Returns a folder that only this user can enter. */
  #path(): Promise<string> {
    return (this.#folder ??= mkdtemp(join(tmpdir(), 'soil-gate-')).then((folder) => {
      process.once('exit', () => {
        rmSync(folder, { recursive: true, force: true });
      });
      return folder;
    }));
  }
}
