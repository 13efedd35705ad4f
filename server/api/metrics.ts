/** What a server has done since it started, project by project -> the OpenMetrics text form. */
import type { Quota } from '../config/project.js';
import type { Site } from '../site/site.js';
import type { SiteUsage } from '../upload/quota.js';

type Labels = Readonly<Record<string, string>>;

const counters = {
  soil_requests: 'Requests answered, by route and status.',
  soil_uploads: 'Jobs sent, by what became of them.',
  soil_upload_bytes: 'Bytes of forms and artifacts received.',
  soil_events: 'Events accepted, by name.',
  soil_page_failures: 'Rewrites of pages that failed.',
} as const;

export type CounterName = keyof typeof counters;

interface Count {
  readonly labels: Labels;
  value: number;
}

/** Upper bounds of the histogram, in seconds: a page takes a few milliseconds, a whole site some minutes. */
const bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60];

/** Counts that only ever grow. Label values come from fixed sets, so that there are never many. */
export class Metrics {
  readonly #counts = new Map<CounterName, Map<string, Count>>();
  /** the same counts as in `#counts`, by route and status: a request finds its own without any text being made */
  readonly #requests = new Map<string, Map<number, Count>>();
  readonly #rewrites = { buckets: bounds.map(() => 0), count: 0, sum: 0 };

  add(name: CounterName, labels: Labels = {}, by = 1): void {
    this.#count(name, labels).value += by;
  }

  /** A request was answered. */
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

  /** A rewrite of pages took so long. */
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

/** One project as it is now; without a site: what was asked of the server beside its projects. */
export interface Measured {
  readonly project: string;
  readonly metrics: Metrics;
  readonly now?: {
    readonly site: Site;
    readonly usage: SiteUsage;
    readonly quota: Quota;
    readonly uploads: number;
    /** of its disk; absent where the system does not tell */
    readonly disk: { readonly freeBytes: number; readonly freeFiles: number } | undefined;
  };
}

/** A family's samples stand together, whatever project they are of, as the format asks. */
export function formatMetrics(projects: readonly Measured[]): string {
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
  family('soil_rewrites', 'counter', 'Rewrites of pages that ended well.');
  for (const { project, site } of sites) {
    sample('soil_rewrites_total', { project }, site.counts().rewrites);
  }
  family('soil_pages_written', 'counter', 'Pages whose bytes changed.');
  for (const { project, site } of sites) {
    sample('soil_pages_written_total', { project }, site.counts().pages);
  }
  family(
    'soil_rewrite_seconds',
    'histogram',
    'How long rewrites of pages took; changes that came together share one.',
  );
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
    'Changes that wait for their turn, the one under way included.',
    (o) => o.site.counts().waiting,
  );
  gauge('soil_uploads_under_way', 'Uploads that are received or checked now.', (o) => o.uploads);
  gauge('soil_site_bytes', 'Bytes of the site; counted where it has a quota.', (o) =>
    o.quota.siteBytes === undefined ? undefined : o.usage.bytes,
  );
  gauge('soil_quota_bytes', 'Bytes that the site may have.', (o) => o.quota.siteBytes);
  gauge('soil_disk_free_bytes', 'Bytes left on the disk of the site.', (o) => o.disk?.freeBytes);
  gauge('soil_disk_free_files', 'Files that the disk of the site has room for.', (o) => o.disk?.freeFiles);
  return `${lines.join('\n')}\n# EOF\n`;
}

function formatLabels(labels: Labels): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}="${value.replace(/["\\\n]/g, '_')}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}
