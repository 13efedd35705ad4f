/** Serves the six calls of GitHub's REST API that the gate makes, from a real bare repository. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { must, run } from './command.js';

export interface GithubApi {
  readonly api: string;
  /** `METHOD path` of every call so far */
  readonly calls: readonly string[];
  /** runs before the next PATCH is answered */
  beforePatch: (() => Promise<void>) | undefined;
  /** responds instead of the repository, unless it returns undefined */
  instead: ((call: string) => [number, unknown] | undefined) | undefined;
  close(): Promise<void>;
}

/** Serves `/repos/o/r/...`; calls without the token get 401. */
export async function serveGithubApi(repo: string, token: string): Promise<GithubApi> {
  const git = (...args: string[]) => run('git', ['--git-dir', repo, ...args]);
  const calls: string[] = [];
  const answer = async (request: IncomingMessage): Promise<[number, unknown]> => {
    const url = new URL(request.url ?? '', 'http://x');
    const path = decodeURIComponent(url.pathname).replace('/repos/o/r/', '');
    calls.push(`${request.method ?? ''} ${path}`);
    if (request.headers.authorization !== `Bearer ${token}`) return [401, { message: 'Bad credentials' }];
    const instead = handle.instead?.(`${request.method ?? ''} ${path}`);
    if (instead !== undefined) return instead;
    if (url.pathname === '/repos/o/r') return [200, { full_name: 'o/r' }];
    const [, branch] = /^git\/refs?\/heads\/(.+)$/.exec(path) ?? [];
    if (branch !== undefined && request.method === 'GET') {
      const tip = await git('rev-parse', '--verify', `refs/heads/${branch}`);
      if (tip.status !== 0) return [404, { message: 'Not Found' }];
      return [200, { ref: `refs/heads/${branch}`, object: { type: 'commit', sha: tip.stdout.trim() } }];
    }
    if (branch !== undefined && request.method === 'PATCH') {
      await handle.beforePatch?.();
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const { sha, force } = JSON.parse(Buffer.concat(chunks).toString()) as { sha: string; force: boolean };
      const old = (await must('git', ['--git-dir', repo, 'rev-parse', `refs/heads/${branch}`])).trim();
      const forward = (await git('merge-base', '--is-ancestor', old, sha)).status === 0;
      if (!forward && !force) return [422, { message: 'Update is not a fast forward' }];
      await must('git', ['--git-dir', repo, 'update-ref', `refs/heads/${branch}`, sha, old]);
      return [200, { ref: `refs/heads/${branch}`, object: { sha } }];
    }
    const [, file] = /^contents\/(.+)$/.exec(path) ?? [];
    if (file !== undefined) {
      const blob = await git('cat-file', 'blob', `${url.searchParams.get('ref') ?? ''}:${file}`);
      return blob.status === 0 ? [200, blob.stdout] : [404, { message: 'Not Found' }];
    }
    const [, base = '', head = ''] = /^compare\/(\w+)\.\.\.(\w+)$/.exec(path) ?? [];
    const counted = await git('rev-list', '--left-right', '--count', `${base}...${head}`);
    if (counted.status !== 0) return [404, { message: 'Not Found' }];
    const [behind, ahead] = counted.stdout.trim().split(/\s+/).map(Number);
    const status = behind === 0 ? (ahead === 0 ? 'identical' : 'ahead') : ahead === 0 ? 'behind' : 'diverged';
    return [200, { status }];
  };
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    answer(request).then(
      ([status, body]) => {
        response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body));
      },
      (error: unknown) => {
        response.writeHead(500).end(String(error));
      },
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const handle: GithubApi = {
    api: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    beforePatch: undefined,
    instead: undefined,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
  return handle;
}
