/** A merge remote over GitHub's REST API: it needs no clone, and updates with `force: false`. */
import { setTimeout } from 'node:timers/promises';
import { planPause } from '../../model/backoff.js';
import { parseCommitHash } from '../../model/name.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { describeFetchError } from '../client/http-client.js';
import type { MergeRemote, Relation } from './merge-remote.js';

export interface GithubRemoteOptions {
  /** OWNER/NAME */
  readonly repository: string;
  /** without a trailing slash; GitHub Enterprise has its own address */
  readonly api: string;
  readonly token: string;
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

const answerSeconds = 30;
const tries = 3;
const backoff = { baseSeconds: 0.5, maxSeconds: 1 };
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
          // With a wrong Content-Encoding, fetch() may wait forever.
          'Accept-Encoding': 'identity',
          ...(more.body === undefined ? {} : { 'Content-Type': 'application/json' }),
        },
        ...(more.body === undefined ? {} : { body: JSON.stringify(more.body) }),
      });
      const text = await response.text();
      if (text.length > answerBytes) return refuse(`cannot read ${url}: the answer is too large`);
      return accept<Answer>({ status: response.status, text });
    } catch (error) {
      return refuse(`cannot read ${url}: ${describeFetchError(error)}`);
    }
  };
  /** Retries reads after a temporary failure; never retries an update. */
  const call: typeof send = async (method, path, more) => {
    for (let tried = 1; ; tried++) {
      const answer = await send(method, path, more);
      const isTemporary = !answer.ok || answer.value.status >= 500 || answer.value.status === 429;
      if (method !== 'GET' || !isTemporary || tried === tries) return answer;
      await setTimeout(1000 * planPause(tried, backoff));
    }
  };
  const refusal = (what: string, answer: Answer) => refuse(`${what}: ${describeAnswer(answer)}`);

  /** GitHub answers 404 also if the token cannot read the repository. So a branch is missing only if the repository is found. */
  const findRepository = async (): Promise<Result<undefined>> => {
    const answer = await call('GET', '', {});
    if (!answer.ok) return answer;
    return answer.value.status === 200
      ? accept(undefined)
      : refusal(`cannot read ${repository} with this token`, answer.value);
  };

  return {
    name: `${repository} on ${api}`,
    readTip: async (branch) => {
      const answer = await call('GET', `/git/ref/heads/${encodePath(branch)}`, {});
      if (!answer.ok) return answer;
      if (answer.value.status === 404) return findRepository();
      if (answer.value.status !== 200) return refusal(`cannot read branch ${quote(branch)}`, answer.value);
      // For a prefix of several branches GitHub answers with a list, which has no object.
      const sha = readTextAt(answer.value.text, ['object', 'sha']);
      const ref = readTextAt(answer.value.text, ['ref']);
      if (ref !== `refs/heads/${branch}`)
        return refuse(`cannot read branch ${quote(branch)}: GitHub returned another ref`);
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
      const status = readTextAt(answer.value.text, ['status']) ?? '';
      const relation = Object.hasOwn(relations, status) ? relations[status] : undefined;
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
      return { kind: status >= 500 ? 'unknown' : 'refused', reason: describeAnswer(answer.value) };
    },
  };
}

const relations: Readonly<Record<string, Relation>> = {
  ahead: 'ahead',
  identical: 'contained',
  behind: 'contained',
  diverged: 'diverged',
};

const describeAnswer = ({ status, text }: Answer): string =>
  `${readTextAt(text, ['message']) ?? 'no reason given'} (HTTP ${status})`;

const encodePath = (path: string): string => path.split('/').map(encodeURIComponent).join('/');

/** Returns the string at a path of keys in JSON, or undefined if there is none. */
function readTextAt(json: string, keys: readonly string[]): string | undefined {
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

/** Accepts OWNER/NAME as GitHub does. */
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
