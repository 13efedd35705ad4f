/** What each page shows, made of parts: the data of one template each. */
import type {
  Entry,
  Fact,
  Frame,
  JobLine,
  JobSection,
  Link,
  MaybeLink,
  PageLinks,
  RawLine,
  TaskTable,
  Trouble,
} from './part.js';
import type { Instant, Mark } from './wording.js';

export interface HomeView {
  readonly frame: Frame;
  readonly running: readonly (JobLine & { readonly host: string; readonly start: Instant | undefined })[];
  readonly hosts: readonly {
    readonly name: string;
    readonly id: string;
    readonly indexHref: string;
    readonly rawHref: string;
    readonly entries: readonly Entry[];
  }[];
}

export interface HostIndexView {
  readonly frame: Frame;
  readonly heading: string;
  readonly otherList: Link;
  readonly entries: readonly Entry[];
  readonly pages: PageLinks;
}

export interface RawIndexView {
  readonly frame: Frame;
  readonly heading: string;
  readonly otherList: Link;
  readonly lines: readonly RawLine[];
  readonly pages: PageLinks;
}

export interface RunView {
  readonly frame: Frame;
  readonly heading: string;
  readonly attempt: string | undefined;
  readonly mark: Mark;
  readonly subject: string | undefined;
  readonly facts: readonly Fact[];
  readonly attempts: readonly (MaybeLink & { readonly mark: Mark })[];
  readonly troubles: readonly Trouble[];
  readonly moreTroubles: number;
  readonly jobs: readonly JobSection[];
}

export interface CommitView {
  readonly frame: Frame;
  readonly heading: string;
  readonly mark: Mark;
  readonly subject: string | undefined;
  readonly facts: readonly Fact[];
  readonly hosts: readonly {
    readonly name: string;
    readonly id: string;
    readonly jobs: readonly JobLine[];
  }[];
  readonly artifacts: readonly { readonly host: string; readonly files: readonly Link[] }[];
}

export interface WwzIndexView {
  readonly frame: Frame;
  readonly heading: string;
  readonly mark: Mark;
  readonly subject: string | undefined;
  readonly reason: string | undefined;
  readonly facts: readonly Fact[];
  readonly files: readonly Link[];
  readonly table: TaskTable;
}

export interface WwzListingView {
  readonly frame: Frame;
  readonly heading: string;
  readonly upHref: string | undefined;
  readonly entries: readonly Link[];
  /** how many names that begin with a dot are left out */
  readonly hidden: number;
}

export interface ProjectsView {
  readonly frame: Frame;
  readonly projects: readonly { readonly path: string; readonly href: string; readonly title: string }[];
}

export interface ImageView {
  readonly frame: Frame;
  readonly heading: string;
  readonly facts: readonly Fact[];
  readonly layers: readonly {
    readonly number: number;
    readonly size: string;
    /** 0 to 100: of the largest layer */
    readonly share: number;
    readonly command: string;
  }[];
}
