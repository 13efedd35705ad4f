/** Counters of one server process, in the OpenMetrics text form. */

export const counters = {
  requests: 'HTTP requests answered',
  refused: 'HTTP requests answered with 4xx or 5xx',
  uploads: 'results stored',
  upload_bytes: 'bytes of results received',
  events: 'events stored',
  rewrites: 'rewrites of pages',
  pages_written: 'pages written because their bytes changed',
  rewrite_seconds: 'seconds spent on rewrites',
} as const;
export type Counter = keyof typeof counters;

export class Metrics {
  readonly #values = new Map<Counter, number>();

  count(counter: Counter, by = 1): void {
    this.#values.set(counter, (this.#values.get(counter) ?? 0) + by);
  }

  /** `gauges` are read at the moment: name -> value. */
  format(gauges: Readonly<Record<string, number>>): string {
    const lines = Object.entries(counters).flatMap(([name, help]) => [
      `# TYPE soil_${name} counter`,
      `# HELP soil_${name} ${help}`,
      `soil_${name}_total ${this.#values.get(name as Counter) ?? 0}`,
    ]);
    for (const [name, value] of Object.entries(gauges)) {
      lines.push(`# TYPE soil_${name} gauge`, `soil_${name} ${value}`);
    }
    return `${[...lines, '# EOF'].join('\n')}\n`;
  }
}
