/** What a server has done since it started -> the OpenMetrics text form. */
import type { Site } from './site.js';

type Labels = Readonly<Record<string, string>>;

/** Counters that only ever grow. Label values come from fixed sets, so that there are never many. */
export class Metrics {
  readonly #counters = new Map<string, { readonly help: string; readonly values: Map<string, number> }>();

  constructor() {
    this.#declare('soil_requests', 'Requests answered, by route and status.');
    this.#declare('soil_uploads', 'Jobs sent, by what became of them.');
    this.#declare('soil_upload_bytes', 'Bytes of forms received.');
    this.#declare('soil_events', 'Events accepted, by name.');
    this.#declare('soil_page_failures', 'Rewrites of pages that failed.');
  }

  add(name: string, labels: Labels = {}, by = 1): void {
    const counter = this.#counters.get(name);
    if (counter === undefined) throw new Error(`unknown counter ${name}`);
    const key = formatLabels(labels);
    counter.values.set(key, (counter.values.get(key) ?? 0) + by);
  }

  /** With the site's own counts and, where known, the bytes left on its disk. */
  format(site: Site, freeBytes: number | undefined): string {
    const lines: string[] = [];
    for (const [name, { help, values }] of this.#counters) {
      lines.push(`# TYPE ${name} counter`, `# HELP ${name} ${help}`);
      for (const [labels, value] of [...values].sort()) lines.push(`${name}_total${labels} ${value}`);
    }
    const { rewrites, pages } = site.writer.counts();
    lines.push('# TYPE soil_rewrites counter', `soil_rewrites_total ${rewrites}`);
    lines.push('# TYPE soil_pages_written counter', `soil_pages_written_total ${pages}`);
    if (freeBytes !== undefined) {
      lines.push('# TYPE soil_disk_free_bytes gauge', '# UNIT soil_disk_free_bytes bytes');
      lines.push(`soil_disk_free_bytes ${freeBytes}`);
    }
    return `${lines.join('\n')}\n# EOF\n`;
  }

  #declare(name: string, help: string): void {
    this.#counters.set(name, { help, values: new Map() });
  }
}

function formatLabels(labels: Labels): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}="${value.replace(/["\\\n]/g, '_')}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}
