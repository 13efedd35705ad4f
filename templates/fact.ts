/** One line of a list of facts: a name, and text, an instant, or what a job ran in and on. Pure. */
import type { ImageRecord, MachineRecord } from '../model/record.js';
import type { Fact } from './part.js';
import { bytesText, instantOf, visibleText } from './wording.js';

export function textFact(name: string, text: string, href?: string): Fact {
  return { name, text: visibleText(text), href, time: undefined, isCode: false, isWide: text.length > 40 };
}

/** No line where the text is not known. */
export const optionalFact = (name: string, text: string | undefined, href?: string): readonly Fact[] =>
  text === undefined ? [] : [textFact(name, text, href)];

/** In a typewriter face: hashes, digests, names that are copied. */
export const codeFact = (name: string, text: string, href?: string): Fact => ({
  ...textFact(name, text, href),
  isCode: true,
  isWide: true,
});

/** No line where the instant is not known; `seconds` since 1970, UTC. */
export function timeFact(name: string, seconds: number | undefined): readonly Fact[] {
  const time = instantOf(seconds);
  return time === undefined
    ? []
    : [{ name, text: time.text, href: undefined, time, isCode: false, isWide: false }];
}

/** A date as its writer had it: as an instant where it names its zone, since all times of a page are UTC; else as it is. */
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

export function machineFact(machine: MachineRecord | undefined): readonly Fact[] {
  if (machine === undefined) return [];
  const { name, system, architecture, cpus, memoryBytes } = machine;
  const size = `${cpus} ${cpus === 1 ? 'CPU' : 'CPUs'}, ${bytesText(memoryBytes)}`;
  return [textFact('Machine', `${name}, ${system} ${architecture}, ${size}`)];
}

export const urlFact = (name: string, url: string | undefined): readonly Fact[] =>
  url === undefined ? [] : [textFact(name, url.replace(/^https?:\/\//, '').replace(/\/$/, ''), url)];
