/** The parts that several pages show: plain data, every key always there, since a strict template refuses a missing one. */
import type { Instant, Mark } from './wording.js';

export interface Link {
  readonly text: string;
  readonly href: string;
}

/** Text that is a link where its address is known and allowed. */
export interface MaybeLink {
  readonly text: string;
  readonly href: string | undefined;
}

/** What surrounds every page. All addresses are relative to the page. */
export interface PageFrame {
  readonly title: string;
  readonly siteTitle: string;
  readonly homeHref: string;
  readonly styleHref: string;
  readonly iconHref: string;
  /** a feed of what the page is about */
  readonly feedHref: string | undefined;
  /** from the home page down to this one, which is no link */
  readonly crumbs: readonly MaybeLink[];
}

/** One line of a list of facts. */
export interface Fact {
  readonly name: string;
  readonly text: string;
  readonly href: string | undefined;
  readonly time: Instant | undefined;
  readonly isCode: boolean;
  /** long text, for two columns */
  readonly isWide: boolean;
}

/** So many jobs or tasks that ended alike. */
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

/** The tasks of one job as a table, and what could not be read as a task. */
export interface TaskTable {
  readonly caption: string;
  readonly tasks: readonly TaskView[];
  readonly badLines: readonly BadLineView[];
  /** tasks beyond those a page shows */
  readonly more: number;
  readonly hasResults: boolean;
  /** with processor time and memory */
  readonly isDetailed: boolean;
}

/** One job in a table of jobs. */
export interface JobRowView {
  readonly mark: Mark;
  readonly name: string;
  readonly href: string;
  /** the run it belongs to, where the table has several */
  readonly run: Link | undefined;
  readonly counts: readonly Count[];
  /** what a job without tasks is doing, or why it has none */
  readonly note: string | undefined;
  readonly elapsed: string | undefined;
  readonly pull: string | undefined;
  readonly contentsHref: string | undefined;
  readonly zip: Link | undefined;
  readonly tsvHref: string | undefined;
  readonly jsonHref: string | undefined;
}

/** One run (on sourcehut: one commit's jobs) in a list of runs. */
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

/** Jobs that ended alike. */
export interface JobGroup extends Count {
  readonly jobs: readonly {
    readonly name: string;
    readonly href: string;
    readonly note: string | undefined;
  }[];
}

/** Older pages are numbered from the oldest, so that they stay as they are. */
export interface PageLinks {
  /** false for a list of one page, which needs no links */
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

/** What a reader should look at first: a task, or a whole job where its tasks do not tell what became of it. */
export interface FailureView extends Pick<TaskView, 'mark' | 'note' | 'logHref' | 'command' | 'elapsed'> {
  /** the task's; undefined: the whole job */
  readonly name: string | undefined;
  readonly job: Link;
  /** why, of a whole job */
  readonly reason: string | undefined;
}

export interface JobSectionView {
  readonly row: JobRowView;
  readonly anchor: string;
  /** how the job did before */
  readonly historyHref: string | undefined;
  readonly reason: string | undefined;
  readonly problems: readonly string[];
  readonly facts: readonly Fact[];
  readonly table: TaskTable | undefined;
}

/** How one run of a job ended. */
export interface HistoryRowView {
  readonly mark: Mark;
  readonly host: string;
  readonly run: Link;
  readonly start: Instant | undefined;
  readonly commit: Link | undefined;
  readonly branch: string;
  readonly elapsed: string | undefined;
  /** 0 to 100: of the longest run */
  readonly share: number;
}
