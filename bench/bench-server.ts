/** Starts a soil-server for a benchmark; returns its URL, its memory and how long it took to start. */
import { readFileSync, writeFileSync } from 'node:fs';
import { serveSite } from '../test/soil-server.js';

export interface BenchServer {
  readonly url: string;
  readonly startMs: number;
  /** resident memory in MB; `peak`: the maximum since `watchPeak` */
  readonly memory: () => { readonly now: number; readonly peak: number };
  readonly watchPeak: () => void;
  readonly stop: (signal?: NodeJS.Signals) => Promise<void>;
}

export async function startBenchServer(site: string): Promise<BenchServer> {
  const begin = performance.now();
  const { url, pid, stop } = await serveSite(site, ['--open-on-loopback']);
  const startMs = performance.now() - begin;
  const kilobytes = (field: string): number =>
    Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  return {
    ...{ url, startMs, stop },
    memory: () => ({ now: kilobytes('VmRSS') / 1024, peak: kilobytes('VmHWM') / 1024 }),
    watchPeak: () => {
      writeFileSync(`/proc/${pid}/clear_refs`, '5');
    },
  };
}

export const medianOf = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
