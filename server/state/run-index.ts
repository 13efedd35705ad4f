/** Indexes the folded runs of a site by host, commit and branch. An update returns the pages that it affects. */
import { workerHosts, type CommitHash, type JobName, type RunId, type WorkerHost } from '../../model/name.js';
import { compareRunNames, type RunFolder } from '../../model/run.js';
import { BranchIndex } from './branch-index.js';
import { mergeChanges, noChanges, type PageChanges } from './page-changes.js';
import { CommitIndex, commitsOf } from './commit-index.js';
import type { RunFolders } from './run-folders.js';
import type { Removal } from '../store/removal-entry.js';
import { foldRun } from './run-fold.js';
import { compareRunIds, newestFirst, RunList } from './run-list.js';
import { folderKey, runKey, type RunEntry, type RunTable } from './run-entry.js';
import type { Run } from './site-view.js';

export class RunIndex {
  readonly commits = new CommitIndex();
  readonly branches = new BranchIndex();
  readonly #table: RunTable;
  readonly #runFolders: RunFolders;
  readonly #lists = new Map<WorkerHost, RunList>(workerHosts.map((host) => [host, new RunList()]));
  /** runs with jobs that are running or expected */
  readonly #unfinished = new Set<RunEntry>();
  #isLoading = false;
  /** records that were in the folder when a server started, and the line of the log with the first of them */
  #found: { readonly entries: readonly RunEntry[]; readonly first: number }[] = [];
  /** branches and jobs that the current update affects */
  #touched = { branches: new Set<string>(), jobs: new Set<JobName>() };

  constructor(table: RunTable, runFolders: RunFolders) {
    this.#table = table;
    this.#runFolders = runFolders;
  }

  /** Runs `work`, which fills the table. Then folds every run and sorts every list, once. */
  load(work: () => void): void {
    this.#isLoading = true;
    work();
    this.#isLoading = false;
    for (const entry of this.#table.all()) entry.setRunId(this.#runIdOf(entry));
    for (const { entries, first } of this.#found) {
      const runs = new Map(entries.map((entry) => [runKey(entry.folder), entry]));
      const oldestFirst = [...runs.values()].sort((a, b) => compareRunIds(b.sortKey, a.sortKey));
      for (const [index, entry] of oldestFirst.entries()) entry.noteArrival(first + index);
    }
    this.#found = [];
    for (const entry of this.#table.all()) {
      for (const job of entry.recorded.values()) {
        const { commit } = job.summary.origin;
        if (commit !== undefined) this.commits.put(entry, commit);
      }
    }
    for (const entry of this.#table.all()) {
      if (entry.removed === undefined) this.#index(entry, this.#fold(entry));
    }
    for (const host of workerHosts) {
      const runs = [...this.#table.all()].flatMap(({ folder, run }) =>
        folder.host === host && run !== undefined ? [run] : [],
      );
      this.#lists.set(host, new RunList(runs));
    }
  }

  /** Arranges that load() sorts these runs by their names, from this line of the log on. */
  noteFound(entries: readonly RunEntry[], first: number): void {
    this.#found.push({ entries, first });
  }

  list(host: WorkerHost): RunList {
    return this.#lists.get(host) ?? new RunList();
  }

  /** Runs with jobs that are running or expected. */
  unfinished(): Iterable<RunEntry> {
    return this.#unfinished.values();
  }

  /** Runs in which a job is running, newest first. */
  running(host: WorkerHost): readonly Run[] {
    return [...this.#unfinished]
      .flatMap(({ folder, run }) =>
        folder.host === host && run?.jobs.some((job) => job.outcome === 'running') === true ? [run] : [],
      )
      .sort(newestFirst);
  }

  /** Removes a run from all lists, and keeps only its removal. */
  remove(entry: RunEntry, removal: Removal): PageChanges {
    const { folder, run } = entry;
    const { host } = folder;
    const commits = commitsOf(entry);
    const later = [...commits].flatMap((commit) => this.commits.laterRuns(entry, commit));
    const urls = this.branches.remove(entry);
    entry.removed = removal;
    for (const known of [entry.recorded, entry.events, entry.expected, entry.lostAt]) known.clear();
    this.#unfinished.delete(entry);
    if (this.#isLoading) return noChanges;
    if (run !== undefined) this.list(host).remove(run);
    this.commits.remove(entry, commits);
    entry.run = undefined;
    // Later passes that were flaky because of this run no longer are.
    const changes = later.map((other) => this.update(other));
    const folders = this.#table.attempts(folder).map((sibling) => sibling.folder);
    const [branches, jobs] = [[...urls.branches], [...urls.jobs]];
    return mergeChanges([{ folders, commits: [...commits], reordered: [host], branches, jobs }, ...changes]);
  }

  /**
   * Folds a run again, and the runs that depend on it: its later attempts, which do not expect the jobs of an
   * earlier one, and later runs of its commits, where a pass may now be flaky.
   */
  update(entry: RunEntry): PageChanges {
    if (this.#isLoading || entry.removed !== undefined) return noChanges;
    this.#touched = { branches: new Set(), jobs: new Set() };
    const reordered = new Set<WorkerHost>();
    const later = new Set(
      this.#table.attempts(entry.folder).filter((other) => other.attempt > entry.attempt && !other.removed),
    );
    const noteLater = (other: RunEntry): void => {
      for (const commit of commitsOf(other)) {
        for (const run of this.commits.laterRuns(other, commit)) later.add(run);
      }
    };
    for (const sibling of this.#table.attempts(entry.folder)) {
      if (sibling.removed !== undefined || this.#runIdOf(sibling) === sibling.runId) continue;
      noteLater(sibling);
      if (this.#reposition(sibling)) reordered.add(entry.folder.host);
      noteLater(sibling);
    }
    const commits = new Set(commitsOf(entry));
    noteLater(entry);
    this.#refold(entry);
    noteLater(entry);
    for (const commit of commitsOf(entry)) commits.add(commit);
    later.delete(entry);
    const folders = new Map<string, RunFolder>();
    // The page of each attempt links to all attempts.
    for (const { folder } of this.#table.attempts(entry.folder)) folders.set(folderKey(folder), folder);
    for (const other of later) {
      const before = JSON.stringify(other.run);
      const others = commitsOf(other);
      this.#refold(other);
      if (before === JSON.stringify(other.run)) continue;
      folders.set(folderKey(other.folder), other.folder);
      for (const commit of [...others, ...commitsOf(other)]) commits.add(commit);
    }
    return {
      ...{ folders: [...folders.values()], commits: [...commits], reordered: [...reordered] },
      ...{ branches: [...this.#touched.branches], jobs: [...this.#touched.jobs] },
    };
  }

  /** Returns every page that a change of the run may affect. */
  affectedPages(entry: RunEntry): PageChanges {
    const commits = commitsOf(entry);
    const others = [...commits].flatMap((commit) => this.commits.laterRuns(entry, commit));
    const entries = new Set([entry, ...this.#table.attempts(entry.folder), ...others]);
    return {
      folders: [...entries].map(({ folder }) => folder),
      commits: [...new Set([...entries].flatMap((other) => [...commitsOf(other)]))],
      reordered: [],
      // Includes branches that only its events name: their files may exist and must be removed.
      branches: [...entries].flatMap(({ run, recorded, events }) => [
        ...(run?.branch === undefined ? [] : [run.branch]),
        ...[...recorded.values()].flatMap(({ summary }) => summary.origin.branch ?? []),
        ...[...events.values()].flatMap((facts) => facts.branch ?? []),
      ]),
      jobs: [...entries].flatMap(({ run }) => run?.jobs.map(({ address }) => address.job) ?? []),
    };
  }

  /**
   * Moves a run to its new position in all lists when its GITHUB_RUN_ID becomes known. Returns whether it was in them.
   */
  #reposition(entry: RunEntry): boolean {
    const { run, folder } = entry;
    const commits = commitsOf(entry);
    if (run !== undefined) this.list(folder.host).remove(run);
    this.commits.remove(entry, commits);
    entry.setRunId(this.#runIdOf(entry));
    for (const commit of commits) this.commits.put(entry, commit);
    if (run !== undefined) this.#refold(entry);
    return run !== undefined;
  }

  /**
   * Returns the run id in the records, else in the events. A folder of the shell server may have two runs; the older
   * counts.
   */
  #runIdOf({ folder, runName }: RunEntry): RunId | undefined {
    if (folder.host !== 'github') return undefined;
    const recorded = this.#table
      .attempts(folder)
      .flatMap((sibling) => [...sibling.recorded.values()])
      .flatMap(({ summary }) => summary.origin.runId ?? []);
    const removed = this.#table.attempts(folder).flatMap((sibling) => sibling.removed?.run.runId ?? []);
    return [...recorded, ...removed].sort(compareRunNames)[0] ?? this.#runFolders.ownerOf(runName as RunId);
  }

  #refold(entry: RunEntry): void {
    for (const job of entry.recorded.values()) {
      const { commit } = job.summary.origin;
      if (commit !== undefined) this.commits.put(entry, commit);
    }
    const after = this.#fold(entry);
    this.list(entry.folder.host).put(after);
    this.#index(entry, after);
  }

  #fold(entry: RunEntry): Run {
    const earlier = this.#table.attempts(entry.folder).filter((other) => other.attempt < entry.attempt);
    return foldRun(entry, {
      recordedBefore: new Set(earlier.flatMap(({ recorded }) => [...recorded.keys()])),
      failedBefore: (job: JobName, commit: CommitHash) => this.commits.failedBefore(entry, job, commit),
    });
  }

  #index(entry: RunEntry, after: Run): void {
    entry.run = after;
    for (const commit of commitsOf(entry)) this.commits.put(entry, commit);
    const { branches, jobs } = this.branches.update(entry);
    for (const branch of branches) this.#touched.branches.add(branch);
    for (const job of jobs) this.#touched.jobs.add(job);
    const isUnfinished = after.jobs.some(({ outcome }) => outcome === 'running' || outcome === 'expected');
    if (isUnfinished) this.#unfinished.add(entry);
    else this.#unfinished.delete(entry);
  }
}
