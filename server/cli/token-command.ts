/** `soil-server token create|list|revoke`: who may write to a site. */
import { parseWorkerHost } from '../../model/name.js';
import { quote, refuse, accept, type Result } from '../../model/result.js';
import { exitStatus } from '../../command/command-context.js';
import type { CommandContext } from './command-context.js';
import { isSite, privateFolder } from '../disk/private-folder.js';
import { parseActions, parseJobPattern, parseTokenId, type StoredToken } from '../auth/token.js';
import { createToken, readTokens, revokeTokens } from '../auth/token-store.js';

export interface CreateOptions {
  readonly id: string;
  readonly actions: string;
  readonly jobs: string;
  readonly workerHost?: string;
  readonly expires?: string;
}

/** Prints what the token may do, and the token itself once, on the last line. */
export async function createTokenCommand(
  site: string,
  options: CreateOptions,
  { now, print, warn }: CommandContext,
): Promise<number> {
  const scope = parseScope(options, now());
  if (!scope.ok) return refused(scope.error, warn);
  if (!(await isSite(site))) return refused(noSite(site), warn);
  const created = await createToken(privateFolder(site), scope.value, now());
  if (!created.ok) return refused(created.error, warn);
  print(describe({ ...scope.value, number: 0, sha256: '' }, now()).replace(' (0)', ''));
  print('Keep it in a secret of your CI host; it is not shown again:');
  print(created.value);
  return exitStatus.ok;
}

function parseScope(
  options: CreateOptions,
  now: number,
): Result<Omit<StoredToken, 'number' | 'sha256' | 'revoked'>> {
  const id = parseTokenId(options.id);
  if (!id.ok) return id;
  const actions = parseActions(options.actions);
  if (!actions.ok) return actions;
  const jobs = parseJobPattern(options.jobs);
  if (!jobs.ok) return jobs;
  const host = options.workerHost === undefined ? accept(undefined) : parseWorkerHost(options.workerHost);
  if (!host.ok) return host;
  const { expires } = options;
  if (expires !== undefined && !/^[1-9]\d{0,4}$/.test(expires)) {
    return refuse(
      `cannot accept --expires ${quote(expires)}: it must be a whole number of days from 1 to 99999`,
    );
  }
  return accept({
    ...{ id: id.value, actions: actions.value, jobs: jobs.value, notBefore: now },
    ...(host.value !== undefined && { workerHost: host.value }),
    ...(expires !== undefined && { expires: now + Number(expires) * 86_400 }),
  });
}

/** One line a token; never the token itself, which the site does not have. */
export async function listTokensCommand(site: string, { now, print, warn }: CommandContext): Promise<number> {
  if (!(await isSite(site))) return refused(noSite(site), warn);
  const tokens = await readTokens(privateFolder(site).tokens);
  if (!tokens.ok) return refused(tokens.error, warn);
  for (const token of tokens.value) print(describe(token, now()));
  return exitStatus.ok;
}

export async function revokeTokenCommand(
  site: string,
  { id, number }: { readonly id: string; readonly number?: string },
  { now, print, warn }: CommandContext,
): Promise<number> {
  if (!(await isSite(site))) return refused(noSite(site), warn);
  if (number !== undefined && !/^[1-9]\d{0,5}$/.test(number)) {
    return refused(`cannot accept --number ${quote(number)}: token list tells the numbers`, warn);
  }
  const meant = { id, ...(number !== undefined && { number: Number(number) }) };
  const revoked = await revokeTokens(privateFolder(site), meant, now());
  if (!revoked.ok) return refused(revoked.error, warn);
  print(`revoked ${revoked.value} of id ${id}`);
  return exitStatus.ok;
}

function describe(token: StoredToken, now: number): string {
  const { id, number, actions, jobs, workerHost = 'any', expires, revoked } = token;
  const date = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 10);
  const life =
    revoked !== undefined
      ? `revoked ${date(revoked)}`
      : expires === undefined
        ? 'does not expire'
        : `${now < expires ? 'expires' : 'expired'} ${date(expires)}`;
  return `${id} (${number}): actions ${actions.join(',')}; jobs ${jobs}; worker host ${workerHost}; ${life}`;
}

const noSite = (site: string): string =>
  `cannot use ${quote(site)}: it is no site; run soil-server init --site ${quote(site)} first`;

function refused(sentence: string, warn: (line: string) => void): number {
  warn(sentence);
  return exitStatus.usage;
}
