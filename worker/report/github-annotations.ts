/** GitHub's workflow commands and output files: values in, text that its runner reads as just that out. Pure. */
import { plain } from './format-progress.js';
import type { Problem } from './compiler-problems.js';

/** The part after `::`; a line end would begin a line of its own. */
const escapeData = (text: string): string =>
  text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');

const escapeProperty = (text: string): string =>
  escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');

/** Longer ones are cut by GitHub itself, at 4 kB. */
const longestMessage = 1000;

/** `::error file=a.c,line=3,col=5,title=unit::...`: an annotation of the commit's diff. */
export function formatError(title: string, message: string, place?: Problem): string {
  const properties: readonly (readonly [string, string | undefined])[] = [
    ['file', place?.file],
    ['line', place === undefined ? undefined : String(place.line)],
    ['col', place?.column === undefined ? undefined : String(place.column)],
    ['title', title],
  ];
  const words = properties.flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${escapeProperty(plain(value))}`],
  );
  return `::error ${words.join(',')}::${escapeData(plain(message).slice(0, longestMessage))}`;
}

/** Lines that fold up under a title. */
export function formatGroup(title: string, lines: readonly string[]): string[] {
  return [`::group::${escapeData(plain(title))}`, ...lines, '::endgroup::'];
}

/** Lines for GITHUB_OUTPUT. A value has no line end: one could set another output. */
export function formatOutputs(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}=${plain(value).replace(/[\r\n]/g, ' ')}\n`)
    .join('');
}
