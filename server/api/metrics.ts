/**
 * Counts what a server does, by project, and formats the counts as OpenMetrics. docs/decisions/0014 says why without a
 * library.
 */
import type { Quota } from '../config/project.js';
import type { Site } from '../site/site.js';
import type { SiteUsage } from '../upload/quota.js';

type Labels = Readonly<Record<string, string>>;

const counters = {
  soil_requests: 'Requests, by route and status.',
  soil_uploads: 'Jobs uploaded, by result.',
  soil_upload_bytes: 'Bytes received in forms and artifacts.',
  soil_events: 'Events accepted, by name.',
  soil_page_failures: 'Page rewrites that failed.',
} as const;

export type CounterName = keyof typeof counters;

interface Count {
  readonly labels: Labels;
  value: number;
}

/** Upper bounds of the histogram, in seconds: a page takes a few milliseconds, a whole site a minute or more. */
const bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60];

/** Counters since the start of the server. Label values are of fixed sets, so that their number is bounded. */
export class Metrics {
  readonly #counts = new Map<CounterName, Map<string, Count>>();
  /** the same objects as in `#counts`, by route and status, so that a request formats no labels */
  readonly #requests = new Map<string, Map<number, Count>>();
  readonly #rewrites = { buckets: bounds.map(() => 0), count: 0, sum: 0 };

  add(name: CounterName, labels: Labels = {}, by = 1): void {
    this.#count(name, labels).value += by;
  }

  /** Counts a request by its route and the status of its response. */
  addRequest(route: string, status: number): void {
    const byStatus = this.#requests.get(route) ?? new Map<number, Count>();
    const count = byStatus.get(status) ?? this.#count('soil_requests', { route, status: String(status) });
    this.#requests.set(route, byStatus.set(status, count));
    count.value++;
  }

  #count(name: CounterName, labels: Labels): Count {
    const key = formatLabels(labels);
    const values = this.#counts.get(name) ?? new Map<string, Count>();
    this.#counts.set(name, values);
    const count = values.get(key) ?? { labels, value: 0 };
    values.set(key, count);
    return count;
  }

  /** Adds a page rewrite to the histogram. */
  observeRewrite(seconds: number): void {
    const rewrites = this.#rewrites;
    rewrites.count++;
    rewrites.sum += seconds;
    bounds.forEach((bound, i) => {
      if (seconds <= bound) rewrites.buckets[i] = (rewrites.buckets[i] ?? 0) + 1;
    });
  }

  values(name: CounterName): readonly { readonly labels: Labels; readonly value: number }[] {
    return [...(this.#counts.get(name) ?? [])].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, v]) => v);
  }

  get rewrites(): { readonly buckets: readonly number[]; readonly count: number; readonly sum: number } {
    return this.#rewrites;
  }
}

/** The metrics of one project; without `now`, of the requests that were for no project. */
export interface ProjectMetrics {
  readonly project: string;
  readonly metrics: Metrics;
  readonly now?: {
    readonly site: Site;
    readonly usage: SiteUsage;
    readonly quota: Quota;
    readonly uploads: number;
    /** of its disk; absent where statfs(2) fails */
    readonly disk: { readonly freeBytes: number; readonly freeFiles: number } | undefined;
  };
}

/** Formats the metrics. The samples of all projects are grouped by metric family, as the format requires. */
export function formatMetrics(projects: readonly ProjectMetrics[]): string {
  const lines: string[] = [];
  const family = (name: string, type: string, help: string): void => {
    lines.push(`# TYPE ${name} ${type}`);
    const unit = /_(bytes|seconds)$/.exec(name)?.[1];
    if (unit !== undefined) lines.push(`# UNIT ${name} ${unit}`);
    lines.push(`# HELP ${name} ${help}`);
  };
  const sample = (name: string, labels: Labels, value: number): void => {
    lines.push(`${name}${formatLabels(labels)} ${value}`);
  };
  for (const [name, help] of Object.entries(counters)) {
    family(name, 'counter', help);
    for (const { project, metrics } of projects) {
      for (const { labels, value } of metrics.values(name as CounterName)) {
        sample(`${name}_total`, { project, ...labels }, value);
      }
    }
  }
  const sites = projects.flatMap(({ project, metrics, now }) => (now ? [{ project, metrics, ...now }] : []));
  family('soil_rewrites', 'counter', 'Page rewrites that succeeded.');
  for (const { project, site } of sites) {
    sample('soil_rewrites_total', { project }, site.counts().rewrites);
  }
  family('soil_pages_written', 'counter', 'Pages whose bytes changed.');
  for (const { project, site } of sites) {
    sample('soil_pages_written_total', { project }, site.counts().pages);
  }
  family('soil_rewrite_seconds', 'histogram', 'Duration of page rewrites; concurrent changes share one.');
  for (const { project, metrics } of sites) {
    const { buckets, count, sum } = metrics.rewrites;
    bounds.forEach((bound, i) => {
      sample('soil_rewrite_seconds_bucket', { project, le: String(bound) }, buckets[i] ?? 0);
    });
    sample('soil_rewrite_seconds_bucket', { project, le: '+Inf' }, count);
    sample('soil_rewrite_seconds_count', { project }, count);
    sample('soil_rewrite_seconds_sum', { project }, sum);
  }
  const gauge = (
    name: string,
    help: string,
    valueOf: (one: (typeof sites)[number]) => number | undefined,
  ): void => {
    family(name, 'gauge', help);
    for (const one of sites) {
      const value = valueOf(one);
      if (value !== undefined) sample(name, { project: one.project }, value);
    }
  };
  gauge(
    'soil_queue_length',
    'Changes in the queue, including the one in progress.',
    (o) => o.site.counts().waiting,
  );
  gauge('soil_uploads_under_way', 'Uploads in progress.', (o) => o.uploads);
  gauge('soil_site_bytes', 'Size of the site; only with a quota.', (o) =>
    o.quota.siteBytes === undefined ? undefined : o.usage.bytes,
  );
  gauge('soil_quota_bytes', 'Quota of the site.', (o) => o.quota.siteBytes);
  gauge('soil_disk_free_bytes', 'Free bytes on the disk of the site.', (o) => o.disk?.freeBytes);
  gauge('soil_disk_free_files', 'Free inodes on the disk of the site.', (o) => o.disk?.freeFiles);
  return `${lines.join('\n')}\n# EOF\n`;
}

function formatLabels(labels: Labels): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}="${value.replace(/["\\\n]/g, '_')}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}
