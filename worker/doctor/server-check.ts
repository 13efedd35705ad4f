/** Checks that the server responds, that both clocks agree, and that the token is valid and allows what a job needs. */
import { formatShellWord } from '../../model/shell-word.js';
import { describeFetchError } from '../client/http-client.js';
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

/** With a larger difference, a new token or status may seem to be from the future. OIDC allows 30 s, too. */
const maxSkewSeconds = 30;
const timeoutSeconds = 15;
/** A token that expires sooner is reported. */
const minTokenDays = 14;

/** Checks the server, the clock and the token. Without a server, skips all three. */
export async function checkServer(options: ServerCheckOptions): Promise<Finding[]> {
  const none = 'no server given: pass --server or set SOIL_SERVER';
  if (options.server === undefined || options.server === '') {
    return [skipped('server', none), skipped('clock', none), skipped('token', none)];
  }
  const url = parseServerUrl(options.server, 'the server');
  if (!url.ok) {
    const fix = 'export SOIL_SERVER=https://ci.example.org/';
    return [
      problem('server', url.error, fix),
      ...(['clock', 'token'] as const).map((id) => skipped(id, 'the address of the server is not valid')),
    ];
  }
  const start = options.now();
  const ready = new URL('readyz', url.value);
  const asked = await get(ready);
  // Older servers have /healthz only, which tests the disk there.
  const isOlder = !('reason' in asked) && asked.status === 404;
  const health = isOlder ? new URL('healthz', url.value) : ready;
  const answer = isOlder ? await get(health) : asked;
  if ('reason' in answer) {
    return [
      problem(
        'server',
        `${url.value.href} does not answer: ${answer.reason}`,
        `curl -v ${formatShellWord(health.href)}`,
      ),
      ...(['clock', 'token'] as const).map((id) => skipped(id, 'the server does not answer')),
    ];
  }
  const found: Finding[] = [];
  if (answer.status === 200 && answer.text.trim() === 'ok') {
    found.push(ok('server', `${url.value.href} is up and can write its site`));
  } else if (answer.status === 503) {
    found.push(
      problem(
        'server',
        `${url.value.href} cannot store results: ${firstLine(answer.text)}`,
        'df -h SITE   # on the server',
      ),
    );
  } else {
    found.push(
      problem(
        'server',
        `${url.value.href} answered ${answer.status} to ${health.pathname}: not a Soil server, or a proxy does not forward it`,
        `curl -v ${formatShellWord(health.href)}`,
      ),
    );
  }
  found.push(checkClock(answer.date, (start + options.now()) / 2, options.system));
  found.push(await checkToken(url.value, options));
  return found;
}

function checkClock(date: string | undefined, now: number, { sudoPrefix }: HostFacts): Finding {
  const serverTime = date === undefined ? NaN : Date.parse(date) / 1000;
  if (Number.isNaN(serverTime)) return skipped('clock', 'the server sent no Date header');
  // The Date header is rounded down to whole seconds.
  const skew = Math.round(now - serverTime - 0.5);
  return Math.abs(skew) <= maxSkewSeconds
    ? ok('clock', `this clock is within ${Math.max(1, Math.abs(skew))} s of the server's`)
    : problem(
        'clock',
        `this clock is ${Math.abs(skew)} s ${skew > 0 ? 'ahead of' : 'behind'} the server's: tokens and statuses can be rejected`,
        `${sudoPrefix}timedatectl set-ntp true`,
      );
}

async function checkToken(server: URL, { token, tokenFile, now }: ServerCheckOptions): Promise<Finding> {
  const create =
    'soil-server token create --site SITE --id ci --actions append,event,status   # on the server';
  const credential = await readCredential({
    ...{ variable: 'SOIL_TOKEN', value: token },
    ...(tokenFile !== undefined && { file: tokenFile }),
  });
  if (!credential.ok) {
    const fix = tokenFile === undefined ? create : `chmod 600 ${formatShellWord(tokenFile)}`;
    return problem('token', credential.error, fix);
  }
  const answer = await get(new URL('token', server), credential.value);
  if ('reason' in answer) return skipped('token', `the server did not answer: ${answer.reason}`);
  if (answer.status === 404) return skipped('token', 'this server cannot describe tokens');
  if (answer.status === 401 && credential.value === undefined) {
    return problem('token', 'no token: SOIL_TOKEN is not set', `${create}\nexport SOIL_TOKEN=...`);
  }
  if (answer.status !== 200)
    return problem('token', firstLine(answer.text) || `the server answered ${answer.status}`, create);
  return judgeToken(answer.text, now(), create);
}

/** Checks the answer of `GET /token`: whether a job with this token can publish its results and be merged. */
function judgeToken(text: string, now: number, create: string): Finding {
  const token = parseToken(text);
  if (token === undefined) return skipped('token', 'the server did not describe the token');
  const { id, actions, jobs, workerHost, expires } = token;
  const missing = ['append', 'event', 'status'].filter((action) => !actions.includes(action));
  if (missing.length > 0) {
    const effect = missing.includes('append')
      ? 'results cannot be published'
      : 'maybe-merge ignores the jobs';
    return problem('token', `token ${id} lacks the action ${missing.join(' and ')}: ${effect}`, create);
  }
  const days = expires === undefined ? undefined : Math.floor((expires - now) / 86_400);
  if (days !== undefined && days < minTokenDays) {
    return problem('token', `token ${id} expires in ${days} days`, create);
  }
  const scope = `jobs ${jobs}, worker host ${workerHost ?? 'any'}`;
  return ok('token', `token ${id}: ${actions.join(', ')}; ${scope}`);
}

interface TokenDescription {
  readonly id: string;
  readonly actions: readonly string[];
  readonly jobs: string;
  readonly workerHost?: string;
  readonly expires?: number;
}

function parseToken(text: string): TokenDescription | undefined {
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
      signal: AbortSignal.timeout(timeoutSeconds * 1000),
    });
    const text = (await response.text()).slice(0, 4096);
    const date = response.headers.get('date');
    return { status: response.status, text, ...(date !== null && { date }) };
  } catch (error) {
    return { reason: describeFetchError(error) };
  }
}

const firstLine = (text: string): string => text.trim().split('\n')[0]?.slice(0, 300) ?? '';
