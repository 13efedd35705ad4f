/** `soil-server token create|list|revoke`. */
import { parseWorkerHost } from '../model/name.js';
import { quote, type Result } from '../model/result.js';
import type { CommandContext, ExitStatus } from './command-context.js';
import { makePrivateFolder } from './private-folder.js';
import { actions, lapse, type Action } from './token.js';
import { TokenStore, type TokenScope } from './token-store.js';

export interface CreateOptions {
  readonly site: string;
  readonly id: string;
  readonly actions: string;
  readonly workerHost?: string;
  readonly jobs?: string;
  readonly expires?: string;
}

const openStore = async (site: string): Promise<TokenStore> =>
  new TokenStore((await makePrivateFolder(site)).tokens);

/** Prints the token once, as its last line. */
export async function createToken(options: CreateOptions, context: CommandContext): Promise<ExitStatus> {
  const scope = parseScope(options, context.now());
  if (!scope.ok) {
    context.warn(scope.error);
    return 2;
  }
  const token = await (await openStore(options.site)).create(options.id, scope.value, context.now());
  if (!token.ok) {
    context.warn(token.error);
    return 2;
  }
  context.print('This is the only time that the token is shown:');
  context.print(token.value);
  return 0;
}

function parseScope(options: CreateOptions, now: number): Result<TokenScope> {
  const asked: Action[] = [];
  for (const word of options.actions.split(',')) {
    const action = actions.find((a) => a === word.trim());
    if (action === undefined) {
      const error = `cannot accept action ${quote(word)}: it must be one of ${actions.join(', ')}`;
      return { ok: false, error };
    }
    asked.push(action);
  }
  const host = options.workerHost === undefined ? undefined : parseWorkerHost(options.workerHost);
  if (host?.ok === false) return host;
  const { jobs, expires } = options;
  if (jobs !== undefined && !/^[A-Za-z0-9._*-]{1,200}$/.test(jobs)) {
    return { ok: false, error: `cannot accept jobs ${quote(jobs)}: a job's name with * for any characters` };
  }
  if (expires !== undefined && !/^[1-9]\d{0,3}$/.test(expires)) {
    return { ok: false, error: `cannot accept expires ${quote(expires)}: it must be a number of days` };
  }
  return {
    ok: true,
    value: {
      actions: asked,
      ...(host !== undefined && { host: host.value }),
      ...(jobs !== undefined && { jobs }),
      ...(expires !== undefined && { expires: now + Number(expires) * 86400 }),
    },
  };
}

export async function listTokens(site: string, { print, now }: CommandContext): Promise<ExitStatus> {
  for (const token of await (await openStore(site)).list()) {
    const words = [
      token.id,
      token.actions.join(','),
      token.host ?? 'every host',
      token.jobs ?? 'every job',
      `created ${new Date(token.created * 1000).toISOString()}`,
      lapse(token, now()) ?? 'valid',
    ];
    print(words.join('\t'));
  }
  return 0;
}

export async function revokeTokens(
  site: string,
  id: string,
  { print, warn, now }: CommandContext,
): Promise<ExitStatus> {
  const count = await (await openStore(site)).revoke(id, now());
  if (count === 0) {
    warn(`cannot revoke token ${quote(id)}: there is none alive of that id`);
    return 1;
  }
  print(`soil-server: ${count} token(s) of id ${id} revoked`);
  return 0;
}
