/** Parses soil.yml. Reports every fault with its line and column. */
import { readTable, type TableValues } from '../../model/key-table.js';
import type { JobName } from '../../model/name.js';
import { formatHint } from '../../model/near-word.js';
import { quote, type Result } from '../../model/result.js';
import type { NamedValue } from '../../model/value-list.js';
import { addFault, readYaml, finishReading, type YamlSource } from '../../model/yaml-reader.js';
import { jobOf, type JobEntry } from './job-config.js';
import type { JobDeclaration, MergeRule, ProjectConfig } from './job-declaration.js';
import { soilYmlKeys, type jobKeys, type mergeKeys } from './soil-yml-keys.js';

/** The file's name at the root of a repository. */
export const configName = 'soil.yml';

const emptyConfig: ProjectConfig = { project: '', jobs: [] };

/** Parses soil.yml. `file` starts each fault: `FILE:LINE:COLUMN: cannot accept ...`. Pure. */
export function parseConfig(text: string, file: string = configName): Result<ProjectConfig> {
  const { source, root } = readYaml(text, file);
  if (source.faults.length > 0) return finishReading(source, emptyConfig);
  const read = readTable(source, root, { table: soilYmlKeys, what: 'the file' });
  if (read === undefined) return finishReading(source, emptyConfig);
  const jobs = jobsOf(source, read.values.jobs ?? []);
  const names = jobs.map(({ name }) => name);
  const merge = read.values.merge && mergeOf(source, read.values.merge, names);
  return finishReading(source, {
    project: read.values.project ?? '',
    jobs,
    ...(merge !== undefined && { merge }),
  });
}

type NamedJob = NamedValue<JobName, TableValues<typeof jobKeys.keys>>;

function jobsOf(source: YamlSource, named: readonly NamedJob[]): JobDeclaration[] {
  const entries = named.flatMap(({ name, value }) =>
    name === undefined ? [] : [jobOf(source, value, name)],
  );
  const known = new Map<string, JobEntry>(entries.map((entry) => [entry.job.name, entry]));
  for (const entry of entries) checkNeeds(source, entry, known);
  return entries.map(({ job, needs }) => ({
    ...job,
    needs: needs.flatMap(({ value }) => known.get(value)?.job.name ?? []),
  }));
}

function checkNeeds(
  source: YamlSource,
  { job, needs, keyOffset }: JobEntry,
  known: ReadonlyMap<string, JobEntry>,
): void {
  const others = [...known.keys()].filter((other) => other !== job.name);
  for (const { value, offset } of needs) {
    if (known.has(value)) continue;
    const reason =
      others.length === 0
        ? 'there is no other job'
        : `it must be one of ${others.join(', ')}${formatHint(value, others)}`;
    addFault(source, offset, `cannot accept need ${quote(value)}: ${reason}`);
  }
  const cycle = findCycle(job.name, known);
  if (cycle === undefined) return;
  const reason = cycle.join(' needs ');
  addFault(source, needs[0]?.offset ?? keyOffset, `cannot accept needs of job ${quote(job.name)}: ${reason}`);
}

/** Returns the shortest chain of needs from a job back to itself, or undefined if there is none. */
function findCycle(start: string, jobs: ReadonlyMap<string, JobEntry>): string[] | undefined {
  const chains: string[][] = [[start]];
  const seen = new Set<string>();
  for (let chain = chains.shift(); chain !== undefined; chain = chains.shift()) {
    for (const { value } of jobs.get(chain.at(-1) ?? '')?.needs ?? []) {
      if (value === start) return [...chain, start];
      if (!seen.has(value)) {
        seen.add(value);
        chains.push([...chain, value]);
      }
    }
  }
  return undefined;
}

type MergeValues = TableValues<typeof mergeKeys.keys>;

function mergeOf(
  source: YamlSource,
  { values, entries, offset }: MergeValues,
  jobs: readonly JobName[],
): MergeRule | undefined {
  const { from, to, require: required, isolated, uncommitted } = values;
  const conditions = {
    ...(isolated === 'require' && { isolated: 'require' as const }),
    ...(uncommitted === 'allow' && { uncommitted: 'allow' as const }),
  };
  if (from !== undefined && from === to) {
    addFault(source, offset, `cannot accept merge: from and to are both ${quote(from)}`);
  }
  if (from === undefined || to === undefined || required === undefined) return undefined;
  const node = entries.get('require')?.node;
  if (node && 'value' in node && node.value === 'all') return { from, to, require: 'all', ...conditions };
  required.forEach(({ value, offset: at }, i) => {
    const because = (reason: string): void => {
      addFault(source, at, `cannot accept required job ${quote(value)}: ${reason}`);
    };
    if (!jobs.includes(value)) {
      because(`it must be all, or some of ${jobs.join(', ')}${formatHint(value, jobs)}`);
    } else if (required.findIndex((other) => other.value === value) < i) because('duplicate job');
  });
  return { from, to, require: required.map(({ value }) => value), ...conditions };
}
