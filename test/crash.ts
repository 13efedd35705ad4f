/** `npm run crash`: kills a real soil-server a thousand times, or as often as the arguments say; exits with 1 on any fault. */
import { parseArgs } from 'node:util';
import { crashSite, noCrashes } from './crash-loop.js';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    /** number of sites tested in parallel */
    lanes: { type: 'string', default: '2' },
  },
});
const kills = Number(values.kills);
const killsOfSite = 25;
const counts = noCrashes();
const sites = Array.from(
  { length: Math.ceil(kills / killsOfSite) },
  (_, i) => Number(values.seed) * 1000 + i,
);
const begin = performance.now();

async function lane(): Promise<void> {
  for (let seed = sites.shift(); seed !== undefined; seed = sites.shift()) {
    const mine = noCrashes();
    await crashSite({ seed, kills: killsOfSite, counts: mine });
    for (const key of ['kills', 'early', 'rebuilds', 'jobs', 'events', 'files', 'checks'] as const) {
      counts[key] += mine[key];
    }
    counts.faults.push(...mine.faults);
    for (const fault of mine.faults) console.error(fault);
    console.log(describe());
  }
}

function describe(): string {
  const seconds = Math.round((performance.now() - begin) / 1000);
  return (
    `${counts.kills} kills (${counts.early} before it listened, ${counts.rebuilds} within rebuild) in ${seconds} s: ` +
    `${counts.jobs} jobs, ${counts.events} events and ${counts.files} files acknowledged, ` +
    `${counts.checks} checks, ${counts.faults.length} faults`
  );
}

await Promise.all(Array.from({ length: Number(values.lanes) }, lane));
process.exitCode = counts.faults.length === 0 ? 0 : 1;
