/** Kills a real soil-server at random moments, again and again, and checks its site after each start. */
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
import { serveSite, type ServedSite } from './soil-server.js';

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
  readonly lives: number;
  readonly counts: CrashCounts;
}

const clients = 4;

/** Runs servers on one site until `lives` of them were killed. */
export async function crashSite({ seed, lives, counts }: CrashOptions): Promise<void> {
  const dice = seededRandom(seed);
  const root = await mkdtemp(join(tmpdir(), 'soil-crash-'));
  const site = join(root, 'site');
  const book = emptyAcknowledgments();
  const wanted = counts.kills + lives;
  const fault = (what: string): void => {
    counts.faults.push(`seed ${seed}, after ${counts.kills} kills: ${what}`);
  };
  try {
    await must(process.execPath, [soilServer, 'init', '--site', site]);
    for (let life = 1; counts.kills < wanted; life++) {
      const chance = dice.below(20);
      if (chance < 3) await killProgram(serveArgs(site), { dice, counts, kind: 'early' });
      else if (chance === 3 && life > 3)
        await killProgram(['rebuild', site], { dice, counts, kind: 'rebuilds' });
      const server = await serveSite(site, ['--open-on-loopback']);
      await checkAfterStart(site, server, { book, counts, fault });
      if (life % 12 === 0) {
        // Every twelfth server stops gracefully: the next start is from a snapshot, and the check command runs.
        await server.stop();
        const end = await run(process.execPath, [soilServer, 'check', site]);
        counts.checks++;
        if (end.status !== 0) fault(`check ended with ${String(end.status)}: ${end.stdout}${end.stderr}`);
        continue;
      }
      const stop = new AbortController();
      const sending = Array.from({ length: clients }, () =>
        sendUntilCut(server.url, { book, dice, stop: stop.signal }),
      );
      // Wait for some responses first, so that a slow machine has as much to lose as a fast one; then for any moment.
      await answersOrLimit(book, acknowledged(book) + dice.below(dice.pick([1, 4, 10])));
      await wait(dice.below(dice.pick([5, 30, 100])));
      await server.stop('SIGKILL');
      stop.abort();
      await Promise.all(sending);
      counts.kills++;
      if (/unhandled|UnhandledPromise|TypeError/i.test(server.log())) fault(server.log());
    }
    const last = await serveSite(site, ['--open-on-loopback']);
    await checkAfterStart(site, last, { book, counts, fault });
    await last.stop();
  } finally {
    counts.jobs += book.jobs.length;
    counts.events += book.events.length;
    counts.files += book.files.length;
    for (const line of book.faults) fault(line);
    await rm(root, { recursive: true, force: true });
  }
}

const acknowledged = (book: Acknowledgments): number => book.files.length + book.events.length;

async function answersOrLimit(book: Acknowledgments, wanted: number): Promise<void> {
  const limit = performance.now() + 20_000;
  while (acknowledged(book) < wanted && performance.now() < limit) await wait(2);
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
    dice,
    counts,
    kind,
  }: { readonly dice: SeededRandom; readonly counts: CrashCounts; readonly kind: 'early' | 'rebuilds' },
): Promise<void> {
  const child = spawn(process.execPath, [soilServer, ...args], { stdio: 'ignore' });
  const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  await Promise.race([wait(150 + dice.below(600)), ended]);
  child.kill('SIGKILL');
  const [, signal] = await ended;
  if (signal !== 'SIGKILL') return;
  counts.kills++;
  counts[kind]++;
}

interface LookOptions {
  readonly book: Acknowledgments;
  readonly counts: CrashCounts;
  readonly fault: (what: string) => void;
}

/** Checks that a new server has and shows everything that earlier ones acknowledged. */
async function checkAfterStart(
  site: string,
  server: ServedSite,
  { book, counts, fault }: LookOptions,
): Promise<void> {
  await settle(server);
  for (const { path, digest } of book.files) {
    const bytes = await readFile(join(site, path)).catch(() => undefined);
    if (bytes === undefined) fault(`${path} was acknowledged and is missing`);
    else if (sha256(bytes) !== digest) fault(`${path} was acknowledged and has other bytes`);
  }
  await lookAtWholeness(site, fault);
  const pages = new Map<string, string>();
  const page = async (path: string): Promise<string> => {
    const known = pages.get(path) ?? (await textAt(server, path));
    pages.set(path, known);
    return known;
  };
  for (const { run: folder, job } of book.events) {
    if (!(await page(folder)).includes(`>${job}<`))
      fault(`${folder} does not show ${job}, whose event was acknowledged`);
  }
  for (const { job, mark, record, run: folder } of book.jobs) {
    const text = await page(folder);
    if (!text.includes(`>${job}<`)) fault(`${folder} does not show ${job}, which was acknowledged`);
    if (!text.includes(`"${job}.wwz/`)) fault(`${folder} does not link ${job}.wwz/`);
    if (!record.startsWith(folder)) fault(`${record} is not in ${folder}: ${mark}`);
  }
  // Over HTTP, the newest ones and the links of their run's page are enough.
  for (const { mark, record, wwz, run: folder } of book.jobs.slice(-6)) {
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

/** Waits until all pages are written: those at stable URLs follow a little after the others. */
async function settle(server: ServedSite): Promise<void> {
  const body = new FormData();
  body.append('run-hook', 'soil-event-job-done');
  const answer = await fetch(`${server.url}wwup.cgi`, { method: 'POST', body });
  if (!answer.ok) throw new Error(`cannot settle: ${answer.status} ${await answer.text()}`);
  await answer.text();
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
async function lookAtWholeness(site: string, fault: (what: string) => void): Promise<void> {
  const entries = await readdir(site, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile() || path.startsWith(join(site, '.soil/'))) continue;
    if (entry.name.startsWith('.')) fault(`${path} was left over`);
    const end = wholeEnds.find(([suffix]) => entry.name.endsWith(suffix))?.[1];
    const text = end === undefined ? '' : (await readFile(path, 'utf8')).trimEnd();
    if (end !== undefined && !text.endsWith(end)) fault(`${path} is not whole: …${text.slice(-40)}`);
    if (entry.name.endsWith('.json')) {
      try {
        JSON.parse(text);
      } catch {
        fault(`${path} is no JSON`);
      }
    }
  }
}

const wholeEnds: readonly (readonly [suffix: string, end: string])[] = [
  ['.html', '</html>'],
  ['.json', '}'],
  ['.svg', '</svg>'],
  ['.xml', '</feed>'],
];
