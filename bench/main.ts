/** Runs the benchmarks, all or those named on the command line, and prints each figure next to its peer's. */
import { isMissingPart, orMissing, type BenchResult, type Missing } from './result.js';

const benches: Record<string, () => Promise<readonly (BenchResult | Missing)[]>> = {
  output: async () => (await import('./output.js')).benchOutput(),
  startup: async () => (await import('./startup.js')).benchStartup(),
  'job-overhead': async () => (await import('./job-overhead.js')).benchJobOverhead(),
  'task-overhead': async () => (await import('./task-overhead.js')).benchTaskOverhead(),
  'ssh-overhead': async () => (await import('./ssh-overhead.js')).benchSshOverhead(),
  'server-history': async () => (await import('./server-history.js')).benchServerHistory([400, 4100, 41_000]),
  'server-history-410000': async () =>
    (await import('./server-history.js')).benchServerHistory([400, 410_000]),
  'serve-entry': async () => (await import('./serve-entry.js')).benchServeEntry(),
  'large-upload': async () => (await import('./large-upload.js')).benchLargeUpload(),
  'wwz-open': async () => (await import('./wwz-open.js')).benchWwzOpen(),
};

/** These take many minutes and run only when named. */
const onlyAsked = ['server-history-410000'];

const names = process.argv.slice(2);
const unknown = names.filter((name) => !(name in benches));
if (unknown.length > 0) {
  console.error(
    `cannot run benchmark "${unknown.join('", "')}": it must be one of ${Object.keys(benches).join(', ')}`,
  );
  process.exit(2);
}
for (const [name, bench] of Object.entries(benches)) {
  if (names.length > 0 ? !names.includes(name) : onlyAsked.includes(name)) continue;
  console.log(`\n${name}`);
  const results = await orMissing(name, bench);
  for (const result of isMissingPart(results) ? [results] : results) {
    if (isMissingPart(result)) console.log(`  not measured: ${result.missing}`);
    else for (const line of formatResult(result)) console.log(line);
  }
}

function formatResult({ name, ours, peer, peerName = '', unit, target }: BenchResult): readonly string[] {
  const figures = `  ${name}: ${figure(ours)} ${unit}`;
  const compared =
    peer === undefined ? '' : `; ${peerName}: ${figure(peer)} ${unit}; ${formatRatio(peer / ours)}`;
  return [figures + compared, `    to reach: ${target}`];
}

function formatRatio(ratio: number): string {
  return ratio >= 1 ? `${ratio.toFixed(1)} times less` : `${(1 / ratio).toFixed(1)} times more`;
}

function figure(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
