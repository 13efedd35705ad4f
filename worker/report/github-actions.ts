/** Formats and writes what GitHub Actions shows of a job: annotations, groups, the step summary and outputs. */
import { appendFile, stat } from 'node:fs/promises';
import { errorMessage } from '../../model/error-message.js';
import type { CommandContext } from '../system/command-context.js';
import type { Problem } from './compiler-problems.js';
import { plain } from './format-progress.js';
import { formatStepSummary, maxSummaryBytes, type SummaryOptions } from './step-summary.js';

/** Appends to the file of GITHUB_STEP_SUMMARY. A failure is a notice and does not change the job's result. */
export async function writeStepSummary(
  summary: Omit<SummaryOptions, 'maxBytes'>,
  context: CommandContext,
): Promise<void> {
  await append('GITHUB_STEP_SUMMARY', context, async (file) => {
    // Jobs of the same step share the file and its limit.
    const used = await stat(file).then(
      ({ size }) => size,
      () => 0,
    );
    const text = formatStepSummary({ ...summary, maxBytes: maxSummaryBytes - used });
    if (text === undefined) throw new Error('the limit of 1 MiB is reached');
    return text;
  });
}

/** Appends `name=value` lines to the file of GITHUB_OUTPUT. */
export async function writeOutputs(
  values: Readonly<Record<string, string>>,
  context: CommandContext,
): Promise<void> {
  await append('GITHUB_OUTPUT', context, () => Promise.resolve(formatOutputs(values)));
}

async function append(
  variable: 'GITHUB_STEP_SUMMARY' | 'GITHUB_OUTPUT',
  { environment, warn }: CommandContext,
  format: (file: string) => Promise<string>,
): Promise<void> {
  const file = environment[variable];
  if (file === undefined || file === '') return;
  try {
    await appendFile(file, await format(file));
  } catch (error) {
    warn(`notice: cannot write the file of ${variable}: ${errorMessage(error)}`);
  }
}

/** Formats the lines of GITHUB_OUTPUT. Replaces line ends in a value, since the next line would set another output. */
export function formatOutputs(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}=${plain(value).replace(/[\r\n]/g, ' ')}\n`)
    .join('');
}

/** GitHub truncates messages at 4 kB. */
const maxMessageLength = 1000;

/** Formats an annotation of the commit's diff: `::error file=a.c,line=3,col=5,title=unit::...`. */
export function formatError(title: string, message: string, location?: Problem): string {
  const properties: readonly (readonly [string, string | undefined])[] = [
    ['file', location?.file],
    ['line', location === undefined ? undefined : String(location.line)],
    ['col', location?.column === undefined ? undefined : String(location.column)],
    ['title', title],
  ];
  const parts = properties.flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${escapeProperty(plain(value))}`],
  );
  return `::error ${parts.join(',')}::${escapeData(plain(message).slice(0, maxMessageLength))}`;
}

/** Formats lines that fold under a title. */
export function formatGroup(title: string, lines: readonly string[]): string[] {
  return [`::group::${escapeData(plain(title))}`, ...lines, '::endgroup::'];
}

/** Escapes the part after `::`. An unescaped line end would start another command. */
const escapeData = (text: string): string =>
  text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');

const escapeProperty = (text: string): string =>
  escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
