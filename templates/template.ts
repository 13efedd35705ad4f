/** Renders the Handlebars templates of this folder, with typed data. Compiles them at the first use. */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type Handlebars from 'handlebars';
import { Fragment, withFragments } from './fragment.js';
import type {
  BadgeView,
  CommitView,
  FeedView,
  HistoryView,
  HomeView,
  HostIndexView,
  ImageView,
  ListingView,
  ProjectsView,
  RawIndexView,
  RemovedRunView,
  RetentionView,
  RunView,
  WwzIndexView,
} from './page.js';
import type { RunEntryView, HistoryRowView, JobRowView, JobSectionView, RawRowView } from './part.js';

/** The folder of the sources: `templates/` in the package, two levels above `dist/templates/template.js`. */
export const templateFolder = fileURLToPath(new URL('../../templates/', import.meta.url));

interface Pages {
  readonly 'removed-run': RemovedRunView;
  readonly retention: RetentionView;
  readonly 'badge.svg': BadgeView;
  readonly 'feed.atom': FeedView;
  readonly 'wwz-index': WwzIndexView;
  readonly image: ImageView;
  readonly listing: ListingView;
  readonly projects: ProjectsView;
}

/** Pages that change with every job, although most of their parts do not. */
interface PagesWithFragments {
  readonly home: HomeView;
  readonly 'host-index': HostIndexView;
  readonly 'raw-index': RawIndexView;
  readonly run: RunView;
  readonly commit: CommitView;
  readonly history: HistoryView;
}

interface Fragments {
  readonly entry: RunEntryView;
  readonly 'entry-row': RunEntryView;
  readonly 'raw-rows': { readonly lines: readonly RawRowView[] };
  readonly 'job-row': JobRowView;
  readonly 'job-section': JobSectionView;
  readonly 'history-row': HistoryRowView;
}

/** Renders a page as text. Throws if the view lacks a key of the template, which is a bug. */
export const renderPage = <K extends keyof Pages>(name: K, view: Pages[K]): string => render(name, view);

/** Renders a page that has fragments, as the bytes of its file. */
export const renderPageWithFragments = <K extends keyof PagesWithFragments>(
  name: K,
  view: PagesWithFragments[K],
): Buffer => withFragments(() => render(name, view));

export const renderFragment = <K extends keyof Fragments>(name: K, view: Fragments[K]): Fragment =>
  new Fragment(render(name, view));

function render(name: string, view: unknown): string {
  loadTemplates();
  const template = compiled?.get(name);
  if (template === undefined) throw new Error(`cannot render page "${name}": no template ${name}.hbs`);
  return template(view);
}

/** Loads the templates. A later render() does it otherwise. */
export function loadTemplates(): void {
  compiled ??= compileAll();
}

let compiled: ReadonlyMap<string, Handlebars.TemplateDelegate> | undefined;

/**
 * Compiles every .hbs file of the folder; each is also a partial of the others. Loads Handlebars here, since a command that
 * renders nothing should not spend the time. Its build in one file loads in a third of the time of its 33 modules.
 */
function compileAll(): ReadonlyMap<string, Handlebars.TemplateDelegate> {
  const handlebars = (
    createRequire(import.meta.url)('handlebars/dist/handlebars.js') as typeof Handlebars
  ).create();
  const sources = new Map(
    readdirSync(templateFolder)
      .filter((file) => file.endsWith('.hbs'))
      .map((file) => [file.slice(0, -'.hbs'.length), readFileSync(`${templateFolder}${file}`, 'utf8')]),
  );
  const templates = new Map<string, Handlebars.TemplateDelegate>();
  for (const [name, source] of sources) {
    const template = handlebars.compile(inlinePartials(source, sources), {
      strict: true,
      knownHelpersOnly: true,
    });
    handlebars.registerPartial(name, template);
    templates.set(name, template);
  }
  return templates;
}

/**
 * Inlines the calls, within a line, of partials that consist of plain values. Such calls took two thirds of the time of
 * a table of tasks.
 */
const inlinePartials = (source: string, sources: ReadonlyMap<string, string>): string =>
  source.replace(/(?<=.)\{\{> ([\w-]+) ([\w.]+)\}\}/g, (call, name: string, at: string) => {
    const partial = sources.get(name)?.trimEnd() ?? '';
    const isPlain = /^(?:[^{]|\{\{\w+\}\})+$/.test(partial);
    return isPlain ? partial.replace(/\{\{(\w+)\}\}/g, `{{${at}.$1}}`) : call;
  });
