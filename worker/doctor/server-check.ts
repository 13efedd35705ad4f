/** Checks of the server: is it there, does it agree about the time, is the token good, and what may it do. */
import { pasted } from '../../model/shell-word.js';
import { describeFailure } from '../client/http-client.js';
import { readCredential } from '../system/credentials.js';
import { parseServerUrl } from '../client/server-url.js';
import { problem, skipped, ok, type Finding } from './finding.js';
import type { HostFacts } from './host-facts.js';

export interface ServerCheckOptions {
  readonly server: string | undefined;
  readonly tokenFile?: string;
  readonly token: string | undefined;
  /** seconds since 1970 */
  readonly now: () => number;
  readonly system: HostFacts;
}

/** A status older than this by the server's clock is dated in the future for the gate; OIDC allows half a minute. */
const mostSkewSeconds = 30;
const answerSeconds = 15;
/** A token that ends sooner is a fault of next week. */
const soonDays = 14;

export async function checkServer(options: ServerCheckOptions): Promise<Finding[]> {
  const none = 'no server is named: --server, or SOIL_SERVER';
  if (options.server === undefined || options.server === '') {
    return [skipped('server', none), skipped('clock', none), skipped('token', none)];
  }
  const url = parseServerUrl(options.server, 'the server');
  if (!url.ok) {
    const mend = 'export SOIL_SERVER=https://ci.example.org/';
    return [
      problem('server', url.error, mend),
      ...(['clock', 'token'] as const).map((id) => skipped(id, 'the server has no address')),
    ];
  }
  const health = new URL('healthz', url.value);
  const begun = options.now();
  const answer = await get(health);
  if ('reason' in answer) {
    return [
      problem(
        'server',
        `${url.value.href} does not answer: ${answer.reason}`,
        `curl -v ${pasted(health.href)}`,
      ),
      ...(['clock', 'token'] as const).map((id) => skipped(id, 'the server does not answer')),
    ];
  }
  const found: Finding[] = [];
  if (answer.status === 200 && answer.text.trim() === 'ok') {
    found.push(ok('server', `${url.value.href} answers, and can write its site`));
  } else if (answer.status === 503) {
    found.push(
      problem(
        'server',
        `${url.value.href} cannot take results: ${line(answer.text)}`,
        'df -h SITE   # on the server',
      ),
    );
  } else {
    found.push(
      problem(
        'server',
        `${url.value.href} answers ${answer.status} to /healthz: it is no Soil server, or /healthz is not passed on to it`,
        `curl -v ${pasted(health.href)}`,
      ),
    );
  }
  found.push(checkClock(answer.date, (begun + options.now()) / 2, options.system));
  found.push(await checkToken(url.value, options));
  return found;
}

function checkClock(date: string | undefined, now: number, { sudoPrefix }: HostFacts): Finding {
  const theirs = date === undefined ? NaN : Date.parse(date) / 1000;
  if (Number.isNaN(theirs)) return skipped('clock', 'the server tells no time');
  // Date has whole seconds, cut off.
  const skew = Math.round(now - theirs - 0.5);
  return Math.abs(skew) <= mostSkewSeconds
    ? ok('clock', `this clock and the server's agree within ${Math.max(1, Math.abs(skew))} s`)
    : problem(
        'clock',
        `this clock is ${Math.abs(skew)} s ${skew > 0 ? 'ahead of' : 'behind'} the server's: tokens and statuses may not count`,
        `${sudoPrefix}timedatectl set-ntp true`,
      );
}

async function checkToken(server: URL, { token, tokenFile, now }: ServerCheckOptions): Promise<Finding> {
  const create =
    'soil-server token create --site SITE --id ci --actions append,event,status   # on the server';
  const secret = await readCredential({
    ...{ variable: 'SOIL_TOKEN', value: token },
    ...(tokenFile !== undefined && { file: tokenFile }),
  });
  if (!secret.ok) {
    const mend = tokenFile === undefined ? create : `chmod 600 ${pasted(tokenFile)}`;
    return problem('token', secret.error, mend);
  }
  const answer = await get(new URL('token', server), secret.value);
  if ('reason' in answer) return skipped('token', `the server did not answer: ${answer.reason}`);
  if (answer.status === 404) return skipped('token', 'this server cannot tell what a token may do');
  if (answer.status === 401 && secret.value === undefined) {
    return problem('token', 'there is no token: SOIL_TOKEN is not set', `${create}\nexport SOIL_TOKEN=...`);
  }
  if (answer.status !== 200)
    return problem('token', line(answer.text) || `the server answers ${answer.status}`, create);
  return judgeToken(answer.text, now(), create);
}

/** What `GET /token` tells -> whether a job with this token can do all that it wants. */
function judgeToken(text: string, now: number, create: string): Finding {
  const token = parseToken(text);
  if (token === undefined) return skipped('token', 'the server does not tell what the token may do');
  const { id, actions, jobs, workerHost, expires } = token;
  const missing = ['append', 'event', 'status'].filter((action) => !actions.includes(action));
  if (missing.length > 0) {
    const effect = missing.includes('append') ? 'no results can be published' : 'no gate will count the jobs';
    return problem('token', `token ${id} lacks the action ${missing.join(' and ')}: ${effect}`, create);
  }
  const days = expires === undefined ? undefined : Math.floor((expires - now) / 86_400);
  if (days !== undefined && days < soonDays) {
    return problem('token', `token ${id} expires in ${days} days`, create);
  }
  const scope = `jobs ${jobs}, worker host ${workerHost ?? 'any'}`;
  return ok('token', `token ${id}: ${actions.join(', ')}; ${scope}`);
}

interface ToldToken {
  readonly id: string;
  readonly actions: readonly string[];
  readonly jobs: string;
  readonly workerHost?: string;
  readonly expires?: number;
}

function parseToken(text: string): ToldToken | undefined {
  try {
    const { id, actions, jobs, workerHost, expires } = JSON.parse(text) as Readonly<Record<string, unknown>>;
    if (typeof id !== 'string' || !Array.isArray(actions) || typeof jobs !== 'string') return undefined;
    return {
      ...{ id, jobs, actions: actions.filter((a): a is string => typeof a === 'string') },
      ...(typeof workerHost === 'string' && { workerHost }),
      ...(typeof expires === 'number' && { expires }),
    };
  } catch {
    return undefined;
  }
}

type Answer =
  { readonly status: number; readonly text: string; readonly date?: string } | { readonly reason: string };

async function get(url: URL, token?: string): Promise<Answer> {
  try {
    const response = await fetch(url, {
      redirect: 'manual',
      headers: {
        Accept: 'text/plain',
        'Accept-Encoding': 'identity',
        ...(token !== undefined && { Authorization: `Bearer ${token}` }),
      },
      signal: AbortSignal.timeout(answerSeconds * 1000),
    });
    const text = (await response.text()).slice(0, 4096);
    const date = response.headers.get('date');
    return { status: response.status, text, ...(date !== null && { date }) };
  } catch (error) {
    const { cause } = error as Error;
    return { reason: describeFailure(cause ?? error) };
  }
}

const line = (text: string): string => text.trim().split('\n')[0]?.slice(0, 300) ?? '';
