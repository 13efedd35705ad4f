/** Kills a real soil-server at random moments many times, and checks its site after each start. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { readTitle } from '../server/disk/site-title.js';
import { describeFinding } from '../server/check/finding.js';
import { defaultLimits } from '../server/config/limits.js';
import { sha256 } from '../server/store/log-entry.js';
import { privateFolder } from '../server/disk/private-folder.js';
import { checkSite } from '../server/check/site-check.js';
import { must, run, soilServer } from './command.js';
import { emptyAcknowledgments, sendUntilCut, type Acknowledgments } from './crash-client.js';
import { seededRandom, type SeededRandom } from './seeded-random.js';
import { serveSite, waitForPages, type ServedSite } from './soil-server.js';

export interface CrashCounts {
  /** `kill -9` of a running server or rebuild */
  kills: number;
  /** of these: kills before it listened, and during `rebuild` */
  early: number;
  rebuilds: number;
  jobs: number;
  events: number;
  files: number;
  /** `checkSite` after a start, and `soil-server check` after a graceful stop */
  checks: number;
  /** one line for each thing that was wrong */
  readonly faults: string[];
}

export const noCrashes = (): CrashCounts => ({
  ...{ kills: 0, early: 0, rebuilds: 0, jobs: 0, events: 0, files: 0, checks: 0, faults: [] },
});

export interface CrashOptions {
  readonly seed: number;
  /** kills */
  readonly kills: number;
  readonly counts: CrashCounts;
}

const clients = 4;

/** Runs servers on one site until `kills` of them were killed. */
export async function crashSite({ seed, kills, counts }: CrashOptions): Promise<void> {
  const random = seededRandom(seed);
  const root = await mkdtemp(join(tmpdir(), 'soil-crash-'));
  const site = join(root, 'site');
  const acknowledged = emptyAcknowledgments();
  const wanted = counts.kills + kills;
  const fault = (what: string): void => {
    counts.faults.push(`seed ${seed}, after ${counts.kills} kills: ${what}`);
  };
  try {
    await must(process.execPath, [soilServer, 'init', '--site', site]);
    for (let round = 1; counts.kills < wanted; round++) {
      const chance = random.below(20);
      if (chance < 3) await killProgram(serveArgs(site), { random, counts, kind: 'early' });
      else if (chance === 3 && round > 3)
        await killProgram(['rebuild', site], { random, counts, kind: 'rebuilds' });
      const server = await serveSite(site, ['--open-on-loopback']);
      await checkAfterStart(site, server, { acknowledged, counts, fault });
      if (round % 12 === 0) {
        // Every twelfth server stops gracefully: the next start is from a snapshot, and the check command runs.
        await server.stop();
        const end = await run(process.execPath, [soilServer, 'check', site]);
        counts.checks++;
        if (end.status !== 0) fault(`check ended with ${String(end.status)}: ${end.stdout}${end.stderr}`);
        continue;
      }
      const stop = new AbortController();
      const sending = Array.from({ length: clients }, () =>
        sendUntilCut(server.url, { acknowledged, random, stop: stop.signal }),
      );
      // First wait for some responses, so that the server has something to lose even on a slow machine.
      await answersOrLimit(
        acknowledged,
        countAcknowledged(acknowledged) + random.below(random.pick([1, 4, 10])),
      );
      await wait(random.below(random.pick([5, 30, 100])));
      await server.stop('SIGKILL');
      stop.abort();
      await Promise.all(sending);
      counts.kills++;
      if (/unhandled|UnhandledPromise|TypeError/i.test(server.log())) fault(server.log());
    }
    const last = await serveSite(site, ['--open-on-loopback']);
    await checkAfterStart(site, last, { acknowledged, counts, fault });
    await last.stop();
  } finally {
    counts.jobs += acknowledged.jobs.length;
    counts.events += acknowledged.events.length;
    counts.files += acknowledged.files.length;
    for (const line of acknowledged.faults) fault(line);
    await rm(root, { recursive: true, force: true });
  }
}

const countAcknowledged = (acknowledged: Acknowledgments): number =>
  acknowledged.files.length + acknowledged.events.length;

async function answersOrLimit(acknowledged: Acknowledgments, wanted: number): Promise<void> {
  const limit = performance.now() + 20_000;
  while (countAcknowledged(acknowledged) < wanted && performance.now() < limit) await wait(2);
}

const serveArgs = (site: string): readonly string[] => [
  'serve',
  '--site',
  site,
  '--port',
  '0',
  '--open-on-loopback',
];

/** Kills a program at a random moment during its start. */
async function killProgram(
  args: readonly string[],
  {
    random,
    counts,
    kind,
  }: { readonly random: SeededRandom; readonly counts: CrashCounts; readonly kind: 'early' | 'rebuilds' },
): Promise<void> {
  const child = spawn(process.execPath, [soilServer, ...args], { stdio: 'ignore' });
  const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  await Promise.race([wait(150 + random.below(600)), ended]);
  child.kill('SIGKILL');
  const [, signal] = await ended;
  if (signal !== 'SIGKILL') return;
  counts.kills++;
  counts[kind]++;
}

interface CheckOptions {
  readonly acknowledged: Acknowledgments;
  readonly counts: CrashCounts;
  readonly fault: (what: string) => void;
}

/** Checks that a new server has and shows everything that earlier ones acknowledged. */
async function checkAfterStart(
  site: string,
  server: ServedSite,
  { acknowledged, counts, fault }: CheckOptions,
): Promise<void> {
  await waitForPages(server);
  for (const { path, digest } of acknowledged.files) {
    const bytes = await readFile(join(site, path)).catch(() => undefined);
    if (bytes === undefined) fault(`${path} was acknowledged and is missing`);
    else if (sha256(bytes) !== digest) fault(`${path} was acknowledged and has other bytes`);
  }
  await checkFilesAreComplete(site, fault);
  const pages = new Map<string, string>();
  const page = async (path: string): Promise<string> => {
    const known = pages.get(path) ?? (await textAt(server, path));
    pages.set(path, known);
    return known;
  };
  for (const { run: folder, job } of acknowledged.events) {
    if (!(await page(folder)).includes(`>${job}<`))
      fault(`${folder} does not show ${job}, whose event was acknowledged`);
  }
  for (const { job, mark, record, run: folder } of acknowledged.jobs) {
    const text = await page(folder);
    if (!text.includes(`>${job}<`)) fault(`${folder} does not show ${job}, which was acknowledged`);
    if (!text.includes(`"${job}.wwz/`)) fault(`${folder} does not link ${job}.wwz/`);
    if (!record.startsWith(folder)) fault(`${record} is not in ${folder}: ${mark}`);
  }
  // Over HTTP, the newest ones and the links of their run's page are enough.
  for (const { mark, record, wwz, run: folder } of acknowledged.jobs.slice(-6)) {
    if (!(await textAt(server, record)).includes(mark)) fault(`${record} is served with other bytes`);
    if (!(await textAt(server, wwz)).includes(mark)) fault(`${wwz} is served with other bytes`);
    for (const link of linksOf(await page(folder), new URL(folder, server.url))) {
      const answer = await fetch(link, { method: 'HEAD' });
      if (answer.status !== 200) fault(`${folder} links ${link.pathname}: ${answer.status}`);
    }
  }
  const { findings } = await checkSite(site, {
    ...{ paths: privateFolder(site), limits: defaultLimits, title: await readTitle(site) },
  });
  counts.checks++;
  for (const finding of findings) fault(`check: ${describeFinding(finding)}`);
}

async function textAt(server: ServedSite, path: string): Promise<string> {
  const answer = await fetch(new URL(path, server.url));
  const text = await answer.text();
  return answer.status === 200 ? text : `${answer.status} ${text}`;
}

const linksOf = (html: string, base: URL): readonly URL[] =>
  [...html.matchAll(/href="([^"#][^"]*)"/g)]
    .map(([, href = '']) => new URL(href.replaceAll('&amp;', '&').replaceAll('&#x3D;', '='), base))
    .filter(({ host }) => host === base.host);

/** Checks that every served file is complete, by the rules of its type. */
async function checkFilesAreComplete(site: string, fault: (what: string) => void): Promise<void> {
  const entries = await readdir(site, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile() || path.startsWith(join(site, '.soil/'))) continue;
    if (entry.name.startsWith('.')) fault(`${path} was left over`);
    const end = fileEndings.find(([suffix]) => entry.name.endsWith(suffix))?.[1];
    const text = end === undefined ? '' : (await readFile(path, 'utf8')).trimEnd();
    if (end !== undefined && !text.endsWith(end)) fault(`${path} is incomplete: …${text.slice(-40)}`);
    if (entry.name.endsWith('.json')) {
      try {
        JSON.parse(text);
      } catch {
        fault(`${path} is not valid JSON`);
      }
    }
  }
}

const fileEndings: readonly (readonly [suffix: string, end: string])[] = [
  ['.html', '</html>'],
  ['.json', '}'],
  ['.svg', '</svg>'],
  ['.xml', '</feed>'],
];
