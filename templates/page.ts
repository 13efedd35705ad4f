/** What each page shows, made of parts: the data of one template each. */
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
  /** all its jobs, told apart by outcome, above a list that may be long */
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

/** How the newest runs of a job ended. */
export interface HistoryView {
  readonly frame: PageFrame;
  readonly heading: string;
  readonly fileHref: string;
  readonly lastGreen: (Link & { readonly time: Instant | undefined }) | undefined;
  readonly since: readonly (Link & { readonly subject: string })[];
  /** `history-row` */
  readonly runs: readonly Fragment[];
  /** the runs of the table of tasks */
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

/** All lengths in pixels. */
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
  readonly colour: string;
}

/** Times as RFC 3339 has them. */
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

/** What is left of a run that was removed. */
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

/** What a prune would do, run by run. */
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
      /** `stays`, `loses its wwz files`, `goes` */
      readonly fate: string;
      readonly css: string;
      readonly reason: string | undefined;
    }[];
  }[];
}

export interface WwzIndexView {
  readonly frame: PageFrame;
  readonly heading: string;
  readonly mark: Mark;
  readonly subject: string | undefined;
  readonly reason: string | undefined;
  readonly counts: readonly Count[];
  readonly facts: readonly Fact[];
  readonly files: readonly Link[];
  readonly table: TaskTable;
}

/** Links that the server lists when it is asked: what is in a folder, or where to go where nothing is. */
export interface ListingView {
  readonly frame: PageFrame;
  readonly heading: string;
  /** a sentence above the links */
  readonly note: string | undefined;
  readonly upHref: string | undefined;
  readonly entries: readonly Link[];
  /** how many names that begin with a dot are left out */
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
    /** 0 to 100: of the largest layer */
    readonly share: number;
    readonly command: string;
  }[];
}
