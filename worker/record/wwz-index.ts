/** Renders the two pages in a job's wwz: its index and the page of its image. Pure. */
import { formatLeftOut } from '../../model/left-out.js';
import { linkBetween, wwzEarlierLog, wwzImagePage, wwzIndex, wwzLog } from '../../model/path.js';
import type { ImageRecord, JobRecord } from '../../model/record.js';
import { foldTasks } from '../../model/outcome.js';
import type { Row } from '../../model/row.js';
import { wwzIcon, wwzStyle } from '../../templates/asset.js';
import {
  codeFact,
  engineFlagsFact,
  gitFact,
  imageFact,
  optionalFact,
  machineFact,
  textFact,
  timeFact,
  uncommittedFacts,
  urlFact,
} from '../../templates/fact.js';
import type { Fact, PageFrame, Link } from '../../templates/part.js';
import { countOutcomes, taskTable } from '../../templates/task-view.js';
import { renderPage } from '../../templates/template.js';
import {
  bytesText,
  durationText,
  httpUrl,
  markOf,
  shortCommit,
  visibleText,
} from '../../templates/wording.js';

export interface WwzIndexOptions {
  readonly record: JobRecord;
  readonly rows: readonly Row[];
  /** whether the wwz has an image page */
  readonly hasImagePage: boolean;
  /** the path of the log of the image build, if there is one */
  readonly buildLog?: string;
}

/** Renders `index.html`. The site serves it at `HOST-jobs/RUN/JOB.wwz/index.html`; links are relative to that. */
export function renderWwzIndex({ record, rows, hasImagePage, buildLog }: WwzIndexOptions): string {
  const job = visibleText(record.job ?? 'job');
  const mark = markOf(record.outcome ?? foldTasks(rows));
  return renderPage('wwz-index', {
    frame: wwzFrame(wwzIndex, job, {
      title: [`${job}: ${mark.word}`, ...(record.commit === undefined ? [] : [shortCommit(record.commit)])],
    }),
    heading: job,
    mark,
    subject: record.commitLine === undefined ? undefined : visibleText(record.commitLine),
    reason: record.reason === undefined ? undefined : visibleText(record.reason),
    leftOut: (record.leftOut ?? []).map((item) => visibleText(formatLeftOut(item))),
    counts: countOutcomes(rows),
    facts: jobFacts(record),
    files: [
      ...(hasImagePage ? [{ text: 'Image', href: linkBetween(pathOf(wwzIndex), wwzImagePage) }] : []),
      ...buildLink(wwzIndex, buildLog),
      ...(record.job === undefined ? [] : jobFiles(record.job)),
    ],
    table: taskTable({
      caption: 'Tasks in the order they ran',
      rows,
      commands: record.tasks,
      logHref: (row) => linkBetween(pathOf(wwzIndex), wwzLog(row.task)),
      earlierLogHref: (row, attempt) => linkBetween(pathOf(wwzIndex), wwzEarlierLog(row.task, attempt)),
      resultHref: (path) => linkBetween(pathOf(wwzIndex), path),
      isDetailed: true,
      limit: 100_000,
    }),
  });
}

export interface ImagePageOptions {
  /** the job that used the image */
  readonly job?: string | undefined;
  readonly image: ImageRecord;
  /** how long it took to pull, load or build the image */
  readonly pullSeconds: number | undefined;
  /** default: pull */
  readonly method?: 'pull' | 'load' | 'build';
  readonly buildLog?: string;
}

const methodLabels = { pull: 'Pulled in', load: 'Loaded in', build: 'Built in' } as const;

const buildLink = (page: string, log: string | undefined): readonly Link[] =>
  log === undefined ? [] : [{ text: 'Image build log', href: linkBetween(pathOf(page), log) }];

/** Renders `_soil/image.html`. */
export function renderImagePage({
  image,
  pullSeconds,
  method = 'pull',
  buildLog,
  job = 'Job',
}: ImagePageOptions): string {
  const total = image.bytes ?? image.layers.reduce((sum, layer) => sum + layer.bytes, 0);
  const largest = Math.max(1, ...image.layers.map((layer) => layer.bytes));
  return renderPage('image', {
    frame: wwzFrame(wwzImagePage, 'Image', {
      title: ['Image', visibleText(job)],
      above: [{ text: visibleText(job), href: linkBetween(pathOf(wwzImagePage), wwzIndex) }],
    }),
    heading: 'Image',
    facts: [
      codeFact('Name', image.name),
      ...(image.digest === undefined ? [] : [codeFact('Digest', image.digest)]),
      textFact('Engine', image.engine),
      textFact('Total', bytesText(total)),
      textFact('Layers', String(image.layers.length)),
      ...(pullSeconds === undefined ? [] : [textFact(methodLabels[method], durationText(pullSeconds))]),
    ],
    files: buildLink(wwzImagePage, buildLog),
    layers: image.layers.map((layer, index) => ({
      number: index + 1,
      size: bytesText(layer.bytes),
      share: Math.round((layer.bytes / largest) * 1000) / 10,
      command: visibleText(layer.command),
    })),
  });
}

/** linkBetween() only uses the folder of the page. */
type PagePath = Parameters<typeof linkBetween>[0];
const pathOf = (path: string): PagePath => path as PagePath;

/** `name` is the page's own breadcrumb. The run page is one folder above the wwz, the home page of the site three. */
function wwzFrame(
  page: string,
  name: string,
  { title, above = [] }: { readonly title: readonly string[]; readonly above?: readonly Link[] },
): PageFrame {
  const root = '../'.repeat(page.split('/').length - 1);
  return {
    title: title.join(' · '),
    siteTitle: 'Soil',
    homeHref: `${root}../../../index.html`,
    styleHref: linkBetween(pathOf(page), wwzStyle),
    iconHref: linkBetween(pathOf(page), wwzIcon),
    feedHref: undefined,
    crumbs: [{ text: 'Run', href: `${root}../index.html` }, ...above, { text: name, href: undefined }],
  };
}

function jobFiles(job: string): readonly Link[] {
  return [
    { text: 'Run page', href: '../index.html' },
    { text: 'TSV', href: `../${encodeURIComponent(job)}.tsv` },
    { text: 'JSON', href: `../${encodeURIComponent(job)}.json` },
    { text: 'Download all (zip)', href: `../${encodeURIComponent(job)}.wwz` },
  ];
}

function jobFacts(record: JobRecord): readonly Fact[] {
  const { commit, startTime, deployTime, imagePullSeconds } = record;
  const hasSpan = startTime !== undefined && deployTime !== undefined && deployTime >= startTime;
  return [
    ...(commit === undefined ? [] : [codeFact('Commit', commit, `../../commits/${commit}.html`)]),
    ...optionalFact('Branch', record.branch),
    ...timeFact('Started', startTime),
    ...optionalFact('Elapsed', hasSpan ? durationText(deployTime - startTime) : undefined),
    ...optionalFact('Exit status', record.status === undefined ? undefined : String(record.status)),
    ...imageFact(record.image),
    ...engineFlagsFact(record.engineFlags),
    ...uncommittedFacts(record.uncommitted),
    ...gitFact(record.git),
    ...optionalFact(
      'Image pull',
      imagePullSeconds === undefined ? undefined : durationText(imagePullSeconds),
    ),
    ...machineFact(record.machine),
    ...urlFact('On the CI host', httpUrl(record.jobUrl)),
    ...optionalFact('Worker', record.workerVersion),
  ];
}
