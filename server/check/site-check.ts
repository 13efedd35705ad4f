/** Checks a site against its log and its records. Changes nothing. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { jobFile, recordSuffixes, type RecordSuffix } from '../../model/path.js';
import type { JobAddress } from '../../model/run.js';
import { verifyWwzHandle } from '../../wwz/verify.js';
import { JobDetailsCache } from '../store/job-details-cache.js';
import { logFiles, tornBytes } from '../store/event-log.js';
import type { Finding } from './finding.js';
import type { ServerLimits } from '../config/limits.js';
import { addressKey, type JobDigests, type LogEntry } from '../store/log-entry.js';
import { planAll } from '../pages/page-plan.js';
import type { PrivateFolder } from '../disk/private-folder.js';
import { eachBounded } from '../disk/each-bounded.js';
import { readSite, type ReadSite } from '../site/read-site.js';
import { checkStatuses } from './status-check.js';
import { findStrays } from './stray-file.js';
import { isMissing } from '../../files/atomic-file.js';

export interface CheckOptions {
  readonly paths: PrivateFolder;
  readonly limits: ServerLimits;
  readonly title: string;
}

export interface CheckedSite {
  readonly findings: readonly Finding[];
  readonly jobs: number;
  readonly pages: number;
}

export async function checkSite(
  folder: string,
  { paths, limits, title }: CheckOptions,
): Promise<CheckedSite> {
  const details = new JobDetailsCache(folder, limits);
  const site = await readSite(folder, { paths, limits, title, details, useSnapshot: false });
  const findings: Finding[] = site.log.problems.map((reason) => ({ kind: 'log', reason }));
  const last = (await logFiles(paths.log)).at(-1);
  const torn = last === undefined ? 0 : await tornBytes(last.path);
  if (torn > 0)
    findings.push({ kind: 'torn-line', reason: `the last line is torn: ${torn} bytes without a newline` });
  for (const { address } of site.unlogged)
    findings.push({ kind: 'unlogged', path: jobFile(address, 'json') });
  const records = acceptedRecords(site);
  await eachBounded(records.values(), async ({ address, digests }) => {
    const job = site.state.recordedJob(address);
    const needsWwz = job?.outcome !== 'error' && job?.summary.removedWwz === undefined;
    findings.push(...(await checkFiles(folder, { address, digests, needsWwz, limits })));
  });
  findings.push(...(await checkStatuses(folder, site.state)));
  const pages = new Set<string>();
  await eachBounded(planAll({ state: site.state, details: details.read }), async ({ path, render }) => {
    const wanted = render();
    if (wanted !== undefined) pages.add(path);
    if (await isSpecialFile(join(folder, path))) {
      if (wanted !== undefined)
        findings.push({ kind: 'stray', path, reason: 'not a regular file, and a page belongs here' });
      return;
    }
    const found = await readOrMissing(join(folder, path));
    const finding = comparePage(path, wanted === undefined ? undefined : Buffer.from(wanted), found);
    if (finding !== undefined) findings.push(finding);
  });
  findings.push(...(await findStrays(folder, { state: site.state, pages })));
  return { findings: findings.sort(byText), jobs: records.size, pages: pages.size };
}

const byText = (a: Finding, b: Finding): number => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);

function comparePage(
  path: string,
  wanted: Buffer | undefined,
  found: Buffer | undefined,
): Finding | undefined {
  if (wanted === undefined) {
    return found && { kind: 'extra-page', path, reason: 'no record needs this page' };
  }
  if (found === undefined) return { kind: 'page', path, reason: 'the page is missing' };
  if (found.equals(wanted)) return undefined;
  return { kind: 'page', path, reason: 'the page differs from what the records render' };
}

/**
 * Lists every record that was accepted and not removed, with its last digests, including records missing from the log.
 */
function acceptedRecords({ log, unlogged, state }: ReadSite) {
  const records = new Map<string, { readonly address: JobAddress; readonly digests: JobDigests }>();
  const isRecord = (entry: LogEntry) => entry.kind === 'record';
  for (const { entry } of log.entries) if (isRecord(entry)) records.set(addressKey(entry.address), entry);
  for (const record of unlogged) records.set(addressKey(record.address), record);
  for (const [key, { address, digests }] of records) {
    const { wwz, ...others } = digests;
    const isWwzRemoved = state.recordedJob(address)?.summary.removedWwz !== undefined;
    if (state.removal(address) !== undefined) records.delete(key);
    else if (isWwzRemoved && wwz !== undefined) records.set(key, { address, digests: others });
  }
  return records;
}

interface JobToCheck {
  readonly address: JobAddress;
  readonly digests: JobDigests;
  /** false if retention removed the wwz, or if the outcome is `error`: the worker may have been unable to write one */
  readonly needsWwz: boolean;
  readonly limits: ServerLimits;
}

async function checkFiles(
  folder: string,
  { address, digests, needsWwz, limits }: JobToCheck,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const suffix of recordSuffixes) {
    const path = jobFile(address, suffix);
    const reason = await checkFile(join(folder, path), {
      ...{ suffix, digest: digests[suffix], limits },
      isNeeded: suffix !== 'wwz' || needsWwz,
    });
    if (reason !== undefined) findings.push({ kind: 'damaged', path, reason });
  }
  return findings;
}

async function checkFile(
  path: string,
  {
    suffix,
    digest,
    isNeeded,
    limits,
  }: {
    readonly suffix: RecordSuffix;
    readonly digest: string | undefined;
    readonly isNeeded: boolean;
    readonly limits: ServerLimits;
  },
): Promise<string | undefined> {
  try {
    if (digest === 'unreadable') return undefined;
    if (await isSpecialFile(path)) return 'not a regular file';
    if (digest !== undefined) {
      return (await digestOf(path)) === digest ? undefined : 'the file differs from the accepted one';
    }
    if (suffix !== 'wwz') return undefined;
    const handle = await open(path, 'r');
    try {
      const verified = await verifyWwzHandle(handle, limits.wwz);
      return verified.ok ? undefined : verified.error;
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (!isMissing(error))
      return `the file cannot be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}`;
    if (digest !== undefined) return 'the accepted file is missing';
    return suffix === 'wwz' && isNeeded ? 'the file is missing' : undefined;
  }
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/**
 * Reports whether the path is a folder, a FIFO (which would block its reader), or another special file. False if it is
 * missing.
 */
async function isSpecialFile(path: string): Promise<boolean> {
  const stats = await stat(path).catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  return stats?.isFile() === false;
}

async function readOrMissing(path: string): Promise<Buffer | undefined> {
  return readFile(path).catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
}
