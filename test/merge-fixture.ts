/** A bare repository with main, a clone with a candidate on soil-staging, and a status API with chosen responses. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CommitHash } from '../model/name.js';
import { valueOf } from '../model/result.js';
import { formatStatus, parseStatus } from '../model/status.js';
import { gitRemote } from '../worker/gate/git-remote.js';
import { githubRemote } from '../worker/gate/github-remote.js';
import { maybeMerge, type MaybeMergeOptions, type MergeEnd } from '../worker/gate/maybe-merge.js';
import type { MergeRemote } from '../worker/gate/merge-remote.js';
import { must } from './command.js';
import { serveGithubApi, type GithubApi } from './github-api.js';

export const soilYml = (require: string): string => `project: p
jobs:
  one: {image: none, tasks: [{name: a, run: 'true'}]}
  two: {image: none, tasks: [{name: a, run: 'true'}]}
merge: {from: soil-staging, to: main, require: ${require}}
`;

/** Serves chosen responses by path: an HTTP status and a body, or `cut` to close the connection. */
export interface StatusApi {
  readonly url: string;
  readonly answers: Map<string, { readonly code: number; readonly body: string } | 'cut'>;
  readonly server: Server;
}

async function serveStatusApi(): Promise<StatusApi> {
  const answers: StatusApi['answers'] = new Map();
  const server = createServer((request, response) => {
    const answer = answers.get(request.url ?? '');
    if (answer === 'cut') request.socket.destroy();
    else if (answer === undefined) response.writeHead(404).end('404 Not Found\n');
    else
      response.writeHead(answer.code, answer.code === 302 ? { Location: answer.body } : {}).end(answer.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, answers, server };
}

export interface MergeFixture {
  readonly run: string;
  readonly clone: string;
  readonly bare: string;
  readonly base: CommitHash;
  readonly candidate: CommitHash;
  readonly remote: MergeRemote;
  readonly tip: () => Promise<string>;
  readonly git: (...args: string[]) => Promise<string>;
  readonly maybeMerge: (change?: Partial<MaybeMergeOptions>) => Promise<MergeEnd>;
  readonly setPassed: (job: string, change?: (line: string) => string) => void;
  readonly github: GithubApi;
  readonly setBeforePatch: (before: () => Promise<void>) => void;
  readonly close: () => Promise<void>;
}
/** Creates fixtures for one kind of remote. */
export interface MergeFixtures {
  readonly api: StatusApi;
  readonly create: (require?: string, candidateYml?: string) => Promise<MergeFixture>;
  readonly close: () => Promise<void>;
}

export async function openMergeFixtures(kind: 'git' | 'github'): Promise<MergeFixtures> {
  const folder = await mkdtemp(join(tmpdir(), 'soil-merge-'));
  const api = await serveStatusApi();
  let count = 0;
  /** Creates a bare repository with main, a clone with one more commit on soil-staging, and no status. */
  async function create(require = 'all', candidateYml = soilYml(require)): Promise<MergeFixture> {
    const name = `s${++count}`;
    const clone = join(folder, name);
    const bare = join(folder, `${name}.git`);
    const git = (...args: string[]) => must('git', ['-C', clone, ...args]);
    await must('git', ['init', '-q', '--bare', '-b', 'main', bare]);
    await must('git', ['init', '-q', '-b', 'main', clone]);
    await git('config', 'user.name', 'Test');
    await git('config', 'user.email', 'test@example.org');
    const commit = async (text: string, message: string) => {
      await writeFile(join(clone, 'soil.yml'), text);
      await git('add', '.');
      await git('commit', '-q', '--allow-empty', '-m', message);
      return (await git('rev-parse', 'HEAD')).trim() as CommitHash;
    };
    const base = await commit(soilYml(require), 'base');
    await git('push', '-q', bare, 'main');
    await git('checkout', '-q', '-b', 'soil-staging');
    const candidate = await commit(candidateYml, 'candidate');
    await git('push', '-q', bare, 'soil-staging');
    const github = await serveGithubApi(bare, 'secret');
    const remote =
      kind === 'git'
        ? gitRemote({ remote: bare, candidate, environment: process.env })
        : githubRemote({ repository: 'o/r', api: github.api, token: 'secret' });
    const run = name;
    const options: MaybeMergeOptions = {
      ...{
        remote,
        server: api.url,
        host: 'local',
        run,
        attempt: 1,
        commit: candidate,
        branch: 'soil-staging',
      },
      ...{ target: 'main', configPath: 'soil.yml', waitSeconds: 0, now: () => 1000, print: () => undefined },
    };
    return {
      ...{ clone, bare, base, candidate, remote, github, git, run },
      tip: async () => (await must('git', ['--git-dir', bare, 'rev-parse', 'main'])).trim(),
      maybeMerge: (change = {}) => maybeMerge({ ...options, ...change }),
      setPassed: (job, change = (line) => line) => {
        const line = `0 host=local run=${run} attempt=1 job=${job} commit=${candidate} outcome=passed time=1970-01-01T00:16:00.000Z\n`;
        assert.equal(formatStatus(valueOf(parseStatus(line))), line);
        api.answers.set(`/status-api/local/${run}/${job}`, { code: 200, body: change(line) });
      },
      setBeforePatch: (beforePatch) => {
        github.beforePatch = beforePatch;
      },
      close: async () => {
        await remote.close?.();
        await github.close();
      },
    };
  }

  return {
    api,
    create,
    close: async () => {
      api.server.closeAllConnections();
      api.server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
