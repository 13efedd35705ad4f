/** soil.yml -> a ProjectConfig, or every fault with its line and column. */
import { parseJobName, type JobName } from '../../model/name.js';
import { hintFor } from '../../model/near-word.js';
import { accept, quote, refuse, valueOf, type Result } from '../../model/result.js';
import type { JobDeclaration, MergeRule, ProjectConfig } from './job-declaration.js';
import { readJob, type JobEntry } from './job-config.js';
import {
  fault,
  readMap,
  readWord,
  readWords,
  readYaml,
  settle,
  type Entry,
  type YamlSource,
} from '../../model/yaml-reader.js';

/** The name that is looked for at a repo's root. */
export const configName = 'soil.yml';

/** Reads soil.yml. `file` stands in front of each fault: `FILE:LINE:COLUMN: cannot accept ...`. Pure. */
export function parseConfig(text: string, file: string = configName): Result<ProjectConfig> {
  const { source, root } = readYaml(text, file);
  if (source.faults.length > 0) return settle(source, { project: '', jobs: [] });
  const map = readMap(source, root, 'the file', ['project', 'jobs', 'merge']);
  if (map === undefined) return settle(source, { project: '', jobs: [] });
  for (const key of ['project', 'jobs']) {
    if (!map.has(key)) fault(source, root.offset, `cannot accept the file: ${key} is missing`);
  }
  const projectEntry = map.get('project');
  const jobsEntry = map.get('jobs');
  const mergeEntry = map.get('merge');
  const project = projectEntry && readWord(source, projectEntry, 'project', parseProject);
  const jobs = jobsEntry === undefined ? [] : readJobs(source, jobsEntry);
  const names = jobs.map(({ name }) => name);
  const merge = mergeEntry && readMerge(source, mergeEntry, names);
  return settle(source, { project: project ?? '', jobs, ...(merge !== undefined && { merge }) });
}

function parseProject(text: string): Result<string> {
  if (text.length <= 100 && !/[\p{Cc}\u2028\u2029]/u.test(text)) return accept(text);
  return refuse(`cannot accept project ${quote(text)}: it must be one line of at most 100 characters`);
}

const unnamed = valueOf(parseJobName('unnamed'));

function readJobs(source: YamlSource, located: Entry): JobDeclaration[] {
  const map = readMap(source, located, 'jobs');
  if (map?.size === 0) fault(source, located.offset, 'cannot accept jobs: there is none');
  const entries: JobEntry[] = [];
  for (const entry of map?.values() ?? []) {
    const name = parseJobName(entry.key);
    if (!name.ok) fault(source, entry.keyOffset, name.error);
    // What else is wrong with a job that cannot be called so is told at once, too.
    const job = readJob(source, entry, name.ok ? name.value : unnamed);
    if (name.ok && job !== undefined) entries.push(job);
  }
  const known = new Map<string, JobEntry>(entries.map((entry) => [entry.job.name, entry]));
  for (const entry of entries) {
    for (const { value, offset } of entry.needs) {
      if (!known.has(value)) {
        const others = [...known.keys()].filter((other) => other !== entry.job.name);
        const reason =
          others.length === 0
            ? 'there is no other job'
            : `it must be one of ${others.join(', ')}${hintFor(value, others)}`;
        fault(source, offset, `cannot accept need ${quote(value)}: ${reason}`);
      }
    }
    const circle = findCircle(entry.job.name, known);
    if (circle !== undefined) {
      const offset = entry.needs[0]?.offset ?? entry.keyOffset;
      fault(source, offset, `cannot accept needs of job ${quote(entry.job.name)}: ${circle.join(' needs ')}`);
    }
  }
  return entries.map(({ job, needs }) => ({
    ...job,
    needs: needs.flatMap(({ value }) => known.get(value)?.job.name ?? []),
  }));
}

/** The jobs on a way from a job back to itself through its needs, by the shortest way; undefined where there is none. */
function findCircle(start: string, jobs: ReadonlyMap<string, JobEntry>): string[] | undefined {
  const ways: string[][] = [[start]];
  const seen = new Set<string>();
  for (let way = ways.shift(); way !== undefined; way = ways.shift()) {
    for (const { value } of jobs.get(way.at(-1) ?? '')?.needs ?? []) {
      if (value === start) return [...way, start];
      if (!seen.has(value)) {
        seen.add(value);
        ways.push([...way, value]);
      }
    }
  }
  return undefined;
}

function readMerge(source: YamlSource, located: Entry, jobs: readonly JobName[]): MergeRule | undefined {
  const map = readMap(source, located, 'merge', ['from', 'to', 'require']);
  if (map === undefined) return undefined;
  for (const key of ['from', 'to', 'require']) {
    if (!map.has(key)) fault(source, located.keyOffset, `cannot accept merge: ${key} is missing`);
  }
  const branch = (key: string): string | undefined => {
    const entry = map.get(key);
    return entry && readWord(source, entry, key, (text) => parseBranch(text, key));
  };
  const from = branch('from');
  const to = branch('to');
  const entry = map.get('require');
  if (from !== undefined && from === to) {
    fault(source, located.keyOffset, `cannot accept merge: from and to are both ${quote(from)}`);
  }
  if (from === undefined || to === undefined || entry === undefined) return undefined;
  return { from, to, require: readRequired(source, entry, jobs) };
}

function readRequired(
  source: YamlSource,
  entry: Entry,
  jobs: readonly JobName[],
): readonly JobName[] | 'all' {
  if (entry.node !== null && 'value' in entry.node && entry.node.value === 'all') return 'all';
  const faultsBefore = source.faults.length;
  const required = readWords(source, entry, 'require', (text) => {
    const job = jobs.find((name) => name === text);
    return job === undefined
      ? refuse(
          `cannot accept required job ${quote(text)}: it must be all, or some of ${jobs.join(', ')}${hintFor(text, jobs)}`,
        )
      : accept(job);
  });
  required.forEach(({ value, offset }, i) => {
    if (required.findIndex((other) => other.value === value) < i) {
      fault(source, offset, `cannot accept required job ${quote(value)}: it stands twice`);
    }
  });
  if (required.length === 0 && source.faults.length === faultsBefore) {
    // A gate that requires nothing would pass everything.
    fault(source, entry.offset, 'cannot accept require: the list is empty; name jobs, or all');
  }
  return required.map(({ value }) => value);
}

/** A branch's name without `refs/heads/`, as git's check-ref-format allows it. */
export function parseBranch(text: string, what = 'branch'): Result<string> {
  const bad =
    /^[-/]|[/.]$|\/\/|\.\.|@\{|[\s\p{Cc}~^:?*[\\]|(^|\/)\.|\.lock(\/|$)/u.test(text) ||
    text === '@' ||
    text === '' ||
    text.length > 200;
  return bad
    ? refuse(`cannot accept ${what} ${quote(text)}: git takes no branch of that name`)
    : accept(text);
}
