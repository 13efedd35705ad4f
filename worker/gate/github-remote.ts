/** A merge remote by GitHub's REST API: no clone is needed, and the update says `force: false`. */
import { setTimeout } from 'node:timers/promises';
import { parseCommitHash } from '../../model/name.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import type { MergeRemote, Relation } from './merge-remote.js';

export interface GithubRemoteOptions {
  /** OWNER/NAME */
  readonly repository: string;
  /** without a trailing slash; GitHub Enterprise has its own */
  readonly api: string;
  readonly token: string;
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

const answerSeconds = 30;
const tries = 3;
const answerBytes = 5 * 1024 * 1024;

export function githubRemote({ repository, api, token }: GithubRemoteOptions): MergeRemote {
  const send = async (method: string, path: string, more: { body?: unknown; accept?: string }) => {
    const url = `${api}/repos/${repository}${path}`;
    try {
      const response = await fetch(url, {
        method,
        redirect: 'error',
        signal: AbortSignal.timeout(answerSeconds * 1000),
        headers: {
          Authorization: `Bearer ${token}`,
          Accept: more.accept ?? 'application/vnd.github+json',
          'X-GitHub-Api-Version': '2022-11-28',
          'User-Agent': 'soil-worker',
          // Of an answer that is not as encoded as it says, fetch() may never see the end.
          'Accept-Encoding': 'identity',
          ...(more.body === undefined ? {} : { 'Content-Type': 'application/json' }),
        },
        ...(more.body === undefined ? {} : { body: JSON.stringify(more.body) }),
      });
      const text = await response.text();
      if (text.length > answerBytes) return refuse(`cannot ask ${url}: the answer is too large`);
      return accept<Answer>({ status: response.status, text });
    } catch (error) {
      const { cause, message } = error as Error;
      return refuse(`cannot ask ${url}: ${cause instanceof Error ? cause.message : message}`);
    }
  };
  /** What only reads is asked again after a hiccup; an update never is. */
  const call: typeof send = async (method, path, more) => {
    for (let tried = 1; ; tried++) {
      const answer = await send(method, path, more);
      const mayRecover = !answer.ok || answer.value.status >= 500 || answer.value.status === 429;
      if (method !== 'GET' || !mayRecover || tried === tries) return answer;
      await setTimeout(250 * 2 ** tried);
    }
  };
  const refusal = (what: string, answer: Answer) => refuse(`${what}: ${reasonIn(answer)}`);

  /** GitHub answers with 404 for what a token may not see, too: a branch is missing only where the repo is there. */
  const findRepository = async (): Promise<Result<undefined>> => {
    const answer = await call('GET', '', {});
    if (!answer.ok) return answer;
    return answer.value.status === 200
      ? accept(undefined)
      : refusal(`cannot see ${repository} with this token`, answer.value);
  };

  return {
    name: `${repository} by ${api}`,
    readTip: async (branch) => {
      const answer = await call('GET', `/git/ref/heads/${encodePath(branch)}`, {});
      if (!answer.ok) return answer;
      if (answer.value.status === 404) return findRepository();
      if (answer.value.status !== 200) return refusal(`cannot read branch ${quote(branch)}`, answer.value);
      // A prefix of several branches would be answered by a list, which has no object.
      const sha = textAt(answer.value.text, ['object', 'sha']);
      const ref = textAt(answer.value.text, ['ref']);
      if (ref !== `refs/heads/${branch}`)
        return refuse(`cannot read branch ${quote(branch)}: GitHub told another ref`);
      return parseCommitHash(sha ?? '');
    },
    readFile: async (commit, path) => {
      const raw = 'application/vnd.github.raw+json';
      const answer = await call('GET', `/contents/${encodePath(path)}?ref=${commit}`, { accept: raw });
      if (!answer.ok) return answer;
      if (answer.value.status === 404) return accept(undefined);
      if (answer.value.status !== 200)
        return refusal(`cannot read ${quote(path)} at ${commit}`, answer.value);
      return accept(answer.value.text);
    },
    relation: async (tip, commit) => {
      const answer = await call('GET', `/compare/${tip}...${commit}?per_page=1`, {});
      if (!answer.ok) return answer;
      const status = textAt(answer.value.text, ['status']) ?? '';
      const relation = relations[status];
      if (answer.value.status !== 200 || relation === undefined) {
        return refusal(`cannot compare ${commit} with ${tip}`, answer.value);
      }
      return accept(relation);
    },
    fastForward: async (branch, commit) => {
      const body = { sha: commit, force: false };
      const answer = await call('PATCH', `/git/refs/heads/${encodePath(branch)}`, { body });
      if (!answer.ok) return { kind: 'unknown', reason: answer.error };
      const { status } = answer.value;
      if (status === 200) return { kind: 'moved' };
      return { kind: status >= 500 ? 'unknown' : 'refused', reason: reasonIn(answer.value) };
    },
  };
}

const relations: Readonly<Record<string, Relation>> = {
  ahead: 'ahead',
  identical: 'contained',
  behind: 'contained',
  diverged: 'diverged',
};

const reasonIn = ({ status, text }: Answer): string =>
  `${textAt(text, ['message']) ?? 'no reason given'} (HTTP ${status})`;

const encodePath = (path: string): string => path.split('/').map(encodeURIComponent).join('/');

/** The text at a path of keys in a JSON answer; undefined where it is anything else. */
function textAt(json: string, keys: readonly string[]): string | undefined {
  try {
    let value: unknown = JSON.parse(json);
    for (const key of keys) {
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
      value = (value as Record<string, unknown>)[key];
    }
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}

/** OWNER/NAME, as GitHub allows them. */
export function parseRepository(text: string): Result<string> {
  if (
    /^[A-Za-z0-9-]{1,39}\/[A-Za-z0-9._-]{1,100}$/.test(text) &&
    !text.endsWith('/..') &&
    !text.endsWith('/.')
  ) {
    return accept(text);
  }
  return refuse(`cannot accept repository ${quote(text)}: it must be OWNER/NAME`);
}
