/** A site that is being written: its store, memory, event log and pages together; one process at a time. */
import { mkdir, readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type { CommitHash, WorkerHost } from '../model/name.js';
import type { JobEvent } from '../model/event.js';
import { commitArtifactFolder, statusFile } from '../model/path.js';
import { accept, quote, refuse, type Result } from '../model/result.js';
import { addressOf, folderName, type JobAddress, type JobIdentity } from '../model/run.js';
import { identityOf } from '../model/record.js';
import { formatStatus, parseStatus } from '../model/status.js';
import type { AdmittedJob } from './admission.js';
import { endOf } from './consistency.js';
import { openEventLog, type EventLog } from './event-log.js';
import { storeFile, storeJob, type StagedFiles } from './job-store.js';
import type { Metrics } from './metrics.js';
import { emptyStaging, makePrivateFolder, type PrivateFolder } from './private-folder.js';
import { answer, diskRefusal, refuseWith, type Answered } from './refusal.js';
import { RewriteQueue } from './rewrite-queue.js';
import { takeLock, type SiteLock } from './site-lock.js';
import { SiteMemory } from './site-memory.js';
import { listArtifacts, readJob, readSite } from './site-reader.js';
import { planAllPages, writePages, writeWhole } from './site-writer.js';

/** Alive from openSite() to close(). Every method that changes something resolves when its pages show it. */
export class Site {
  readonly folder: string;
  readonly privates: PrivateFolder;
  readonly memory: SiteMemory;
  readonly #lock: SiteLock;
  readonly #log: EventLog;
  readonly #queue: RewriteQueue;
  readonly #now: () => number;
  /** changes of the store happen one after another */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(parts: SiteParts, metrics: Metrics) {
    this.folder = parts.folder;
    this.privates = parts.privates;
    this.memory = parts.memory;
    this.#lock = parts.lock;
    this.#log = parts.log;
    this.#now = parts.now;
    this.#queue = new RewriteQueue(parts.folder, parts.memory, (pages, seconds) => {
      metrics.count('rewrites');
      metrics.count('pages_written', pages);
      metrics.count('rewrite_seconds', seconds);
    });
  }

  /** Stores an admitted job. `new`: it was not there before. */
  async addJob(
    admitted: AdmittedJob,
    staged: StagedFiles,
  ): Promise<Answered<{ readonly address: JobAddress; readonly isNew: boolean }>> {
    return this.#inTurn(async () => {
      const address = this.addressOf(admitted.identity);
      const before = this.memory.runs(address.host).length;
      const stored = await storeJob(this.folder, address, staged);
      if (!stored.ok) return stored;
      const job = await readJob(this.folder, address);
      if (stored.value === 'stored' && job !== undefined) this.memory.putJob(address, job);
      await this.#queue.runChanged(address, before);
      return answer({ address, isNew: stored.value === 'stored' });
    });
  }

  /** Logs an event and shows it; `done` with updateStatusApi writes the status file, as the stored record says. */
  async addEvent(event: JobEvent): Promise<Answered<undefined>> {
    return this.#inTurn(async () => {
      const address = this.#addressOfEvent(event);
      if (address === undefined) {
        const id = event.runId ?? '';
        // Nobody has told the run's number yet: there is no page to show it on.
        if (event.updateStatusApi)
          return refuseWith(409, `cannot set the status: no record of run ${quote(id)} is here`);
        await this.#log.append({ time: this.#now(), event });
        return answer(undefined);
      }
      if (event.updateStatusApi) {
        const written = await this.#writeStatus(address, event);
        if (!written.ok) return written;
      }
      const time = this.#now();
      await this.#log.append({ time, event });
      const before = this.memory.runs(address.host).length;
      this.memory.putEvent(address, event, time);
      await this.#queue.runChanged(address, before);
      return answer(undefined);
    });
  }

  /** A file published for a commit. */
  async addArtifact(
    host: WorkerHost,
    commit: CommitHash,
    name: string,
    staged: string,
  ): Promise<Answered<boolean>> {
    return this.#inTurn(async () => {
      const stored = await storeFile(this.folder, `${commitArtifactFolder(host, commit)}/${name}`, staged);
      if (!stored.ok) return stored;
      this.memory.putArtifacts(host, commit, await listArtifacts(this.folder, host, commit));
      await this.#queue.commitChanged(commit);
      return answer(stored.value === 'stored');
    });
  }

  /** Where a job's files go. */
  addressOf(identity: JobIdentity): JobAddress {
    if (identity.host !== 'github') return addressOf(identity);
    const { number, runId, attempt, job } = identity;
    return { ...this.memory.githubFolder(number, runId, attempt), job };
  }

  async close(): Promise<void> {
    await this.#turn;
    await this.#queue.idle();
    await this.#log.close();
    await this.#lock.release();
  }

  #addressOfEvent(event: JobEvent): JobAddress | undefined {
    return eventAddress(this.memory, event);
  }

  /** The status file says what the stored record says, or it is not written: nobody can claim a result. */
  async #writeStatus(address: JobAddress, event: JobEvent): Promise<Answered<undefined>> {
    const job = this.memory.job(address);
    const where = `job ${quote(address.job)} of ${address.host} run ${quote(address.name)}`;
    if (job?.record === undefined)
      return refuseWith(409, `cannot set the status: there is no record of ${where}`);
    const { record } = job;
    const identity = identityOf(record, address);
    if (!identity.ok) return refuseWith(409, `cannot set the status: ${identity.error}`);
    const end =
      job.problems.length > 0 ? { outcome: 'error' as const, status: 125 } : endOf(record, job.rows);
    if (end.status !== event.status) {
      return refuseWith(
        409,
        `cannot set status ${String(event.status)}: the record of ${where} has ${end.status}`,
      );
    }
    if (record.commit === undefined) {
      return refuseWith(409, `cannot set the status: the record of ${where} names no commit`);
    }
    if (event.commit !== undefined && event.commit !== record.commit) {
      return refuseWith(
        409,
        `cannot set the status for commit ${event.commit}: the record of ${where} has ${record.commit}`,
      );
    }
    const path = statusFile(identity.value);
    const there = parseStatus(await readFile(join(this.folder, path), 'utf8').catch(() => ''));
    if (there.ok && there.value.attempt > record.attempt) {
      return refuseWith(
        409,
        `cannot set the status of attempt ${record.attempt}: attempt ${there.value.attempt} has its status already`,
      );
    }
    const [, , run = ''] = path.split('/');
    const line = formatStatus({
      ...end,
      ...{ host: address.host, run: run as never, attempt: record.attempt, job: address.job },
      ...{ commit: record.commit, time: this.#now() },
    });
    await writeWhole(join(this.folder, path), line);
    return answer(undefined);
  }

  async #inTurn<T>(change: () => Promise<Answered<T>>): Promise<Answered<T>> {
    const turn = this.#turn.then(change);
    this.#turn = turn.catch(() => undefined);
    try {
      return await turn;
    } catch (error) {
      const refusal = diskRefusal(error);
      if (refusal !== undefined) return refusal;
      throw error;
    }
  }
}

interface SiteParts {
  readonly folder: string;
  readonly privates: PrivateFolder;
  readonly memory: SiteMemory;
  readonly lock: SiteLock;
  readonly log: EventLog;
  readonly now: () => number;
}

/** Where the job of an event is, or will be; undefined where only a later record can tell. */
function eventAddress(memory: SiteMemory, event: JobEvent): JobAddress | undefined {
  const { host, job, runId, runNumber, attempt, jobId } = event;
  switch (host) {
    case 'sourcehut':
      return jobId && { host, name: jobId, job };
    case 'local':
      return runId && { host, name: folderName(runId, attempt), job };
    case 'github': {
      if (runId === undefined) return undefined;
      const folder =
        runNumber === undefined
          ? memory.folderOfRunId(runId, attempt)
          : memory.githubFolder(runNumber, runId, attempt);
      return folder && { ...folder, job };
    }
  }
}

/** Takes the site's lock, reads what is on disk, brings every page to what the records say. */
export async function openSite(
  path: string,
  { metrics, now, warn }: { metrics: Metrics; now: () => number; warn: (line: string) => void },
): Promise<Result<Site>> {
  const folder = resolve(path);
  const privates = await makePrivateFolder(folder);
  const lock = await takeLock(privates.lock);
  if (!lock.ok) return lock;
  try {
    await emptyStaging(privates);
    const memory = await readMemory(folder, warn);
    const { log, events } = await openEventLog(privates.events);
    for (const { event, time } of events) {
      const address = eventAddress(memory, event);
      if (address !== undefined) memory.putEvent(address, event, time);
    }
    await writePages(folder, planAllPages(memory));
    return accept(new Site({ folder, privates, memory, lock: lock.value, log, now }, metrics));
  } catch (error) {
    await lock.value.release();
    throw error;
  }
}

/** The site's title is its folder's name, until a setting says otherwise. */
async function readMemory(folder: string, warn: (line: string) => void): Promise<SiteMemory> {
  const memory = new SiteMemory(basename(folder));
  for (const fault of await readSite(folder, memory)) warn(fault);
  return memory;
}

/** Writes every page again from records alone; returns how many changed. Refuses while a server runs on the site. */
export async function rebuildSite(path: string, warn: (line: string) => void): Promise<Result<number>> {
  const folder = resolve(path);
  await mkdir(folder, { recursive: true });
  const privates = await makePrivateFolder(folder);
  const lock = await takeLock(privates.lock);
  if (!lock.ok) return refuse(lock.error);
  try {
    return accept(await writePages(folder, planAllPages(await readMemory(folder, warn))));
  } finally {
    await lock.value.release();
  }
}
