/** Checks the address of the gate's remote, and makes git's settings of it. Pure. */
import { resolve } from 'node:path';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import type { Environment, Setting, Transport } from '../git/git.js';

/**
 * What git is told instead of the URL, which may have a password in it: arguments are readable by every user of the
 * machine. A setting in git's environment replaces it by the URL.
 */
export const remoteAlias = 'soil-target:';

/**
 * Accepts a URL or a path, and resolves a relative path against the current folder. The names of remotes in `.git/config`
 * mean nothing here: a task can write that file.
 */
export function parseRemote(text: string, cwd: string): Result<string> {
  const shown = removeCredentials(text);
  const because = (reason: string): Result<never> =>
    refuse(`cannot accept --remote ${quote(shown, 300)}: ${reason}`);
  if (text === '') return because('it is empty');
  if (text.startsWith('-')) return because('it starts with "-"');
  if (/[\0-\x1f\x7f]/.test(text)) return because('it has a control character');
  if (/^[\w.+-]+::/.test(text)) return because('it names a program of git, not a repository');
  const scheme = /^([\w.+-]+):\/\//.exec(text)?.[1];
  if (scheme !== undefined && !['https', 'http', 'ssh', 'git', 'file'].includes(scheme)) {
    return because(`it must be a path, or a URL that starts with https, http, ssh, git or file`);
  }
  return accept(/^\.{1,2}(\/|$)/.test(text) ? resolve(cwd, text) : text);
}

/** Reports whether a remote is a bare word, as the names of remotes are. */
export const isRemoteWord = (remote: string): boolean => /^[\w.-]+$/.test(remote);

/**
 * Returns the URL of the repository for which the CI host runs this job, or undefined. Only GitHub Actions and what copies
 * it say so.
 */
export function remoteOfHost({
  GITHUB_ACTIONS,
  GITHUB_SERVER_URL,
  GITHUB_REPOSITORY,
}: Environment): string | undefined {
  const isKnown =
    /^https?:\/\/[\w.:-]+\/?$/.test(GITHUB_SERVER_URL ?? '') &&
    /^[\w.-]+\/[\w.-]+$/.test(GITHUB_REPOSITORY ?? '');
  if (GITHUB_ACTIONS !== 'true' || !isKnown) return undefined;
  return `${(GITHUB_SERVER_URL ?? '').replace(/\/$/, '')}/${GITHUB_REPOSITORY ?? ''}.git`;
}

/** Returns the only way in which git may contact the remote. */
export function remoteTransports(url: string): readonly Transport[] {
  const scheme = /^(https|http|ssh|git|file):\/\//.exec(url)?.[1];
  if (scheme !== undefined) return [scheme as Transport];
  // git-fetch(1): `host:path` without a slash before the colon is SSH.
  return /^[^/:]+:/.test(url) ? ['ssh'] : ['file'];
}

/** Reports whether a token may be sent to a URL: over TLS, or to this machine. */
export function canSendToken(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  return (
    protocol === 'https:' || (protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(hostname))
  );
}

/**
 * Returns git's settings for the remote. The token goes to its host only: a redirect to another one is not followed.
 * GitHub takes `x-access-token` as the user of a token; GitLab, Gitea and Forgejo take any.
 */
export function remoteSettings(url: string, token: string | undefined): readonly Setting[] {
  const settings: readonly Setting[] = [[`url.${url}.insteadOf`, remoteAlias]];
  if (token === undefined || !canSendToken(url)) return settings;
  const login = Buffer.from(`x-access-token:${token}`).toString('base64');
  return [
    ...settings,
    ['http.followRedirects', 'false'],
    [`http.${new URL(url).origin}/.extraHeader`, `Authorization: Basic ${login}`],
  ];
}

/** Removes passwords and tokens from URLs, because messages are logged. */
export const removeCredentials = (text: string): string => text.replace(/(https?:\/\/)[^/\s'"]*@/gi, '$1');
