/** The data of the parts that pages share. No key is optional, since a strict template rejects a missing one. */
import type { Instant, Mark } from './wording.js';

export interface Link {
  readonly text: string;
  readonly href: string;
}

/** Text, with a link if its address is known and allowed. */
export interface MaybeLink {
  readonly text: string;
  readonly href: string | undefined;
}

/** The title, header and breadcrumbs around a page. All addresses are relative to the page. */
export interface PageFrame {
  readonly title: string;
  readonly siteTitle: string;
  readonly homeHref: string;
  readonly styleHref: string;
  readonly iconHref: string;
  /** the feed of the run's branch */
  readonly feedHref: string | undefined;
  /** from the home page down to this page, which is not a link */
  readonly crumbs: readonly MaybeLink[];
}

/** One entry in a list of facts, such as the branch. */
export interface Fact {
  readonly name: string;
  readonly text: string;
  readonly href: string | undefined;
  readonly time: Instant | undefined;
  readonly isCode: boolean;
  /** whether the text is long enough for two columns */
  readonly isWide: boolean;
}

/** The number of jobs or tasks with one outcome. */
export interface Count {
  readonly mark: Mark;
  readonly count: number;
}

export interface TaskView {
  readonly mark: Mark;
  /** `exit 1`, `2 tries`, `allowed to fail` */
  readonly note: string | undefined;
  readonly name: string;
  readonly logHref: string | undefined;
  /** the logs of earlier tries */
  readonly earlierLogs: readonly Link[];
  readonly command: string;
  readonly elapsed: string | undefined;
  readonly cpu: string | undefined;
  readonly memory: string | undefined;
  readonly result: Link | undefined;
}

export interface BadLineView {
  readonly line: number;
  readonly reason: string;
  readonly text: string;
}

/** The table of a job's tasks, and the lines of its TSV that are not valid tasks. */
export interface TaskTable {
  readonly caption: string;
  readonly tasks: readonly TaskView[];
  readonly badLines: readonly BadLineView[];
  /** the number of tasks that the page does not show */
  readonly more: number;
  readonly hasResults: boolean;
  /** whether the table has columns for CPU time and memory */
  readonly isDetailed: boolean;
}

/** One row in a table of jobs. */
export interface JobRowView {
  readonly mark: Mark;
  readonly name: string;
  readonly href: string;
  /** the job's run, in a table with jobs of several runs */
  readonly run: Link | undefined;
  readonly counts: readonly Count[];
  /** the progress of a job without tasks, or why it has none */
  readonly note: string | undefined;
  readonly elapsed: string | undefined;
  readonly pull: string | undefined;
  readonly contentsHref: string | undefined;
  readonly zip: Link | undefined;
  readonly tsvHref: string | undefined;
  readonly jsonHref: string | undefined;
}

/** One run in a list of runs; on sourcehut, the jobs of one commit. */
export interface RunEntryView {
  readonly id: string;
  readonly mark: Mark;
  readonly label: MaybeLink;
  readonly attempt: string | undefined;
  readonly earlierAttempts: readonly Link[];
  readonly commit: Link | undefined;
  readonly subject: string | undefined;
  readonly branch: string | undefined;
  readonly pullRequest: PullRequestView | undefined;
  readonly start: Instant | undefined;
  readonly elapsed: string | undefined;
  readonly groups: readonly JobGroup[];
}

export interface PullRequestView {
  readonly number: string;
  readonly href: string | undefined;
  readonly headRef: string | undefined;
}

/** The jobs with one outcome. */
export interface JobGroup extends Count {
  readonly jobs: readonly {
    readonly name: string;
    readonly href: string;
    readonly note: string | undefined;
  }[];
}

/** Links to the neighboring pages of a list. Pages are numbered from the oldest, so that old pages do not change. */
export interface PageLinks {
  /** false if the list has one page, which needs no links */
  readonly hasOthers: boolean;
  readonly label: string;
  readonly newerHref: string | undefined;
  readonly olderHref: string | undefined;
}

export interface RawRowView {
  readonly start: Instant | undefined;
  readonly mark: Mark;
  readonly run: Link;
  readonly job: Link;
  readonly commit: Link | undefined;
  readonly branch: string;
  readonly subject: string;
  readonly zip: Link | undefined;
  readonly tsvHref: string | undefined;
  readonly jsonHref: string | undefined;
}

/** A failed task, or a failed job whose tasks do not explain the failure. */
export interface FailureView extends Pick<TaskView, 'mark' | 'note' | 'logHref' | 'command' | 'elapsed'> {
  /** the name of the task; undefined for a job */
  readonly name: string | undefined;
  readonly job: Link;
  /** why the job failed */
  readonly reason: string | undefined;
}

export interface JobSectionView {
  readonly row: JobRowView;
  readonly anchor: string;
  /** the page with the job's earlier runs */
  readonly historyHref: string | undefined;
  readonly reason: string | undefined;
  readonly problems: readonly string[];
  readonly notices: readonly string[];
  readonly facts: readonly Fact[];
  readonly table: TaskTable | undefined;
}

/** One run in a job's history. */
export interface HistoryRowView {
  readonly mark: Mark;
  readonly host: string;
  readonly run: Link;
  readonly start: Instant | undefined;
  readonly commit: Link | undefined;
  readonly branch: string;
  readonly elapsed: string | undefined;
  /** elapsed time in percent of the longest run, 0 to 100 */
  readonly share: number;
}
