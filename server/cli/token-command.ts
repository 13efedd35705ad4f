/** `soil-server token create|list|revoke`: creates, lists and revokes the tokens of a site. */
import { parseWorkerHost } from '../../model/name.js';
import { quote, refuse, accept, type Result } from '../../model/result.js';
import { exitStatus, usageError } from '../../command/command-context.js';
import { countText } from '../../templates/wording.js';
import type { CommandContext } from './command-context.js';
import { isSite, notASite, privateFolder } from '../disk/private-folder.js';
import { parseActions, parseJobPattern, parseTokenId, type StoredToken } from '../auth/token.js';
import { createToken, readTokens, revokeTokens } from '../auth/token-store.js';

export interface CreateOptions {
  readonly id: string;
  readonly actions: string;
  readonly jobs: string;
  readonly workerHost?: string;
  readonly expires?: string;
}

/**
 * Prints the permissions of the new token, and on the last line the token itself. Returns 0, or 2 for a usage error.
 */
export async function createTokenCommand(
  site: string,
  options: CreateOptions,
  context: CommandContext,
): Promise<number> {
  const { now, print } = context;
  const scope = parseScope(options, now());
  if (!scope.ok) return usageError(context, scope.error);
  if (!(await isSite(site))) return usageError(context, notASite('cannot use', site));
  const created = await createToken(privateFolder(site), scope.value, now());
  if (!created.ok) return usageError(context, created.error);
  print(`${scope.value.id}: ${describePermissions(scope.value, now())}`);
  print('Store this token as a secret of your CI host. It is not shown again:');
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

/** Prints the permissions of each token, one per line. A site stores only a hash of the token itself. */
export async function listTokensCommand(site: string, context: CommandContext): Promise<number> {
  const { now, print } = context;
  if (!(await isSite(site))) return usageError(context, notASite('cannot use', site));
  const tokens = await readTokens(privateFolder(site).tokens);
  if (!tokens.ok) return usageError(context, tokens.error);
  for (const token of tokens.value) {
    print(`${token.id} (${token.number}): ${describePermissions(token, now())}`);
  }
  return exitStatus.ok;
}

export async function revokeTokenCommand(
  site: string,
  { id, number }: { readonly id: string; readonly number?: string },
  context: CommandContext,
): Promise<number> {
  const { now, print } = context;
  if (!(await isSite(site))) return usageError(context, notASite('cannot use', site));
  if (number !== undefined && !/^[1-9]\d{0,5}$/.test(number)) {
    return usageError(
      context,
      `cannot accept --number ${quote(number)}: it must be a number that "soil-server token list" prints`,
    );
  }
  const selection = { id, ...(number !== undefined && { number: Number(number) }) };
  const revoked = await revokeTokens(privateFolder(site), selection, now());
  if (!revoked.ok) return usageError(context, revoked.error);
  print(`revoked ${countText(revoked.value, 'token')} with id ${id}`);
  return exitStatus.ok;
}

function describePermissions(token: Omit<StoredToken, 'number' | 'sha256'>, now: number): string {
  const { actions, jobs, workerHost = 'any', expires, revoked } = token;
  const date = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 10);
  const life =
    revoked !== undefined
      ? `revoked ${date(revoked)}`
      : expires === undefined
        ? 'never expires'
        : `${now < expires ? 'expires' : 'expired'} ${date(expires)}`;
  return `actions ${actions.join(',')}; jobs ${jobs}; worker host ${workerHost}; ${life}`;
}
