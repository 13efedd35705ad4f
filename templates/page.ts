/** The data of each page template. */
import type { Fragment } from './fragment.js';
import type {
  Count,
  Fact,
  PageFrame,
  JobRowView,
  Link,
  MaybeLink,
  PageLinks,
  TaskTable,
  FailureView,
} from './part.js';
import type { Instant, Mark } from './wording.js';

export interface HomeView {
  readonly frame: PageFrame;
  readonly running: readonly (JobRowView & { readonly host: string; readonly start: Instant | undefined })[];
  readonly hosts: readonly {
    readonly name: string;
    readonly id: string;
    readonly indexHref: string;
    readonly rawHref: string;
    /** `entry-row` */
    readonly entries: readonly Fragment[];
  }[];
}

export interface HostIndexView {
  readonly frame: PageFrame;
  readonly heading: string;
  readonly otherList: Link;
  /** `entry` */
  readonly entries: readonly Fragment[];
  readonly pages: PageLinks;
}

export interface RawIndexView {
  readonly frame: PageFrame;
  readonly heading: string;
  readonly otherList: Link;
  /** `raw-rows` */
  readonly rows: readonly Fragment[];
  readonly pages: PageLinks;
}

export interface RunView {
  readonly frame: PageFrame;
  readonly heading: string;
  readonly attempt: string | undefined;
  readonly mark: Mark;
  readonly subject: string | undefined;
  readonly facts: readonly Fact[];
  /** the number of jobs by outcome; undefined for a run of one job */
  readonly tally: { readonly text: string; readonly counts: readonly Count[] } | undefined;
  readonly attempts: readonly (MaybeLink & { readonly mark: Mark })[];
  readonly failures: readonly FailureView[];
  readonly moreFailures: number;
  /** `job-row` */
  readonly rows: readonly Fragment[];
  /** `job-section` */
  readonly sections: readonly Fragment[];
}

export interface CommitView {
  readonly frame: PageFrame;
  readonly heading: string;
  readonly mark: Mark;
  readonly subject: string | undefined;
  readonly facts: readonly Fact[];
  readonly hosts: readonly {
    readonly name: string;
    readonly id: string;
    /** `job-row` */
    readonly jobs: readonly Fragment[];
  }[];
  readonly artifacts: readonly { readonly host: string; readonly files: readonly Link[] }[];
}

/** The outcomes of the newest runs of a job. */
export interface HistoryView {
  readonly frame: PageFrame;
  readonly heading: string;
  readonly fileHref: string;
  readonly lastGreen: (Link & { readonly time: Instant | undefined }) | undefined;
  readonly since: readonly (Link & { readonly subject: string })[];
  /** `history-row` */
  readonly runs: readonly Fragment[];
  /** the runs that the table of tasks compares */
  readonly columns: readonly (Link & { readonly short: string })[];
  readonly tasks: readonly {
    readonly name: string;
    readonly cells: readonly {
      readonly mark: Mark | undefined;
      readonly href: string | undefined;
      readonly elapsed: string | undefined;
    }[];
  }[];
}

/** A badge; all lengths in pixels. */
export interface BadgeView {
  readonly label: string;
  readonly message: string;
  readonly word: string;
  readonly width: number;
  readonly left: number;
  readonly leftText: number;
  readonly rightText: number;
  readonly leftMiddle: number;
  readonly rightMiddle: number;
  readonly color: string;
}

/** One entry of a feed; times in RFC 3339 format. */
export interface FeedEntryView {
  readonly id: string;
  readonly title: string;
  readonly updated: string;
  readonly href: string;
  readonly summary: string;
}

export interface FeedView {
  readonly title: string;
  readonly id: string;
  readonly updated: string;
  readonly selfHref: string;
  readonly homeHref: string;
  readonly entries: readonly FeedEntryView[];
}

/** The page of a removed run. */
export interface RemovedRunView {
  readonly frame: PageFrame;
  readonly heading: string;
  readonly attempt: string | undefined;
  readonly subject: string | undefined;
  readonly time: Instant | undefined;
  readonly rule: string;
  readonly facts: readonly Fact[];
  readonly jobs: readonly {
    readonly mark: Mark;
    readonly name: string;
    readonly size: string | undefined;
  }[];
}

/** The effect that pruning would have on each run. */
export interface RetentionView {
  readonly frame: PageFrame;
  readonly heading: string;
  readonly summary: string;
  readonly limits: readonly Fact[];
  readonly hosts: readonly {
    readonly name: string;
    readonly id: string;
    readonly runs: readonly {
      readonly mark: Mark;
      readonly label: MaybeLink;
      readonly branch: string | undefined;
      readonly start: Instant | undefined;
      readonly size: string;
      /** `kept`, `loses wwz files`, `removed` */
      readonly effect: string;
      readonly css: string;
      readonly reason: string | undefined;
    }[];
  }[];
}

export interface WwzIndexView {
  readonly frame: PageFrame;
  /** what a limit kept out of the wwz, one sentence each */
  readonly leftOut: readonly string[];
  readonly heading: string;
  readonly mark: Mark;
  readonly subject: string | undefined;
  readonly reason: string | undefined;
  readonly counts: readonly Count[];
  readonly facts: readonly Fact[];
  readonly files: readonly Link[];
  readonly table: TaskTable;
}

/** A list of links: the content of a folder, or where to go from a missing page. */
export interface ListingView {
  readonly frame: PageFrame;
  readonly heading: string;
  /** text above the links */
  readonly note: string | undefined;
  readonly upHref: string | undefined;
  readonly entries: readonly Link[];
  /** the number of names that start with a dot, which are not listed */
  readonly hidden: number;
}

export interface ProjectsView {
  readonly frame: PageFrame;
  readonly projects: readonly { readonly path: string; readonly href: string; readonly title: string }[];
}

export interface ImageView {
  readonly frame: PageFrame;
  readonly heading: string;
  readonly facts: readonly Fact[];
  readonly files: readonly Link[];
  readonly layers: readonly {
    readonly number: number;
    readonly size: string;
    /** size in percent of the largest layer, 0 to 100 */
    readonly share: number;
    readonly command: string;
  }[];
}
