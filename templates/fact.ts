/** Builds the facts in a list: text, times, images and machines. Pure. */
import type { ImageRecord, JobRecord, MachineRecord } from '../model/record.js';
import type { Fact } from './part.js';
import { bytesText, instantOf, visibleText } from './wording.js';

export function textFact(name: string, text: string, href?: string): Fact {
  return { name, text: visibleText(text), href, time: undefined, isCode: false, isWide: text.length > 40 };
}

/** Returns no fact if the text is undefined. */
export const optionalFact = (name: string, text: string | undefined, href?: string): readonly Fact[] =>
  text === undefined ? [] : [textFact(name, text, href)];

/** Returns a fact in a monospace font, for hashes, digests and names that people copy. */
export const codeFact = (name: string, text: string, href?: string): Fact => ({
  ...textFact(name, text, href),
  isCode: true,
  isWide: true,
});

/** Returns no fact if the time is undefined. `seconds` since 1970, UTC. */
export function timeFact(name: string, seconds: number | undefined): readonly Fact[] {
  const time = instantOf(seconds);
  return time === undefined
    ? []
    : [{ name, text: time.text, href: undefined, time, isCode: false, isWide: false }];
}

/** Returns a fact for a date from another program: in UTC if it has a time zone, else unchanged. */
export function dateFact(name: string, text: string | undefined): readonly Fact[] {
  const isZoned = text !== undefined && /\d:\d\d.*(Z|[+-]\d\d:?\d\d)$/.test(text);
  const seconds = isZoned ? Date.parse(text) / 1000 : NaN;
  return Number.isNaN(seconds) ? optionalFact(name, text) : timeFact(name, seconds);
}

export function imageFact(image: ImageRecord | undefined): readonly Fact[] {
  if (image === undefined) return [];
  const size = image.bytes === undefined ? '' : `, ${bytesText(image.bytes)}`;
  return [textFact('Image', `${image.name}${size}, ${image.engine}`)];
}

/** The flags that a job passed to the engine, which can take down what separates its tasks from the machine. */
export const engineFlagsFact = (flags: readonly string[] | undefined): readonly Fact[] =>
  flags === undefined ? [] : [codeFact('Engine flags', flags.join(' '))];

/** What was in the working tree that the commit does not have. */
export function uncommittedFacts(uncommitted: JobRecord['uncommitted']): readonly Fact[] {
  if (uncommitted === undefined) return [];
  if (uncommitted === 'unknown')
    return [textFact('Uncommitted changes', 'unknown: no git repository could be read')];
  const { count, files } = uncommitted;
  if (count === 0) return [textFact('Uncommitted changes', 'none')];
  const more = count > files.length ? `, and ${count - files.length} more` : '';
  return [
    textFact('Uncommitted changes', `${count} ${count === 1 ? 'file' : 'files'}: ${files.join(', ')}${more}`),
  ];
}

/** A job whose tasks could change the git repository of the machine does not count for the gate. */
export const gitFact = (git: JobRecord['git']): readonly Fact[] =>
  git === undefined
    ? []
    : [textFact('Git repository', 'tasks could change it; the gate does not count this job')];

export function machineFact(machine: MachineRecord | undefined): readonly Fact[] {
  if (machine === undefined) return [];
  const { name, system, architecture, cpus, memoryBytes } = machine;
  const size = `${cpus} ${cpus === 1 ? 'CPU' : 'CPUs'}, ${bytesText(memoryBytes)}`;
  return [textFact('Machine', `${name}, ${system} ${architecture}, ${size}`)];
}

export const urlFact = (name: string, url: string | undefined): readonly Fact[] =>
  url === undefined ? [] : [textFact(name, url.replace(/^https?:\/\//, '').replace(/\/$/, ''), url)];
