/** What a job came to -> the files that GitHub Actions reads after a step: its summary and its outputs. */
import { appendFile, stat } from 'node:fs/promises';
import type { CommandContext } from '../system/command-context.js';
import { formatOutputs } from './github-annotations.js';
import { formatStepSummary, summaryBytes, type SummaryOptions } from './step-summary.js';
import { errorMessage } from '../../model/error-message.js';

/** GITHUB_STEP_SUMMARY gets the table. That it cannot be written is a notice: the job's result stands. */
export async function writeStepSummary(
  summary: Omit<SummaryOptions, 'maxBytes'>,
  context: CommandContext,
): Promise<void> {
  await append('GITHUB_STEP_SUMMARY', context, async (file) => {
    // Other jobs of the same step have written there before, and share the limit.
    const there = await stat(file).then(
      ({ size }) => size,
      () => 0,
    );
    const text = formatStepSummary({ ...summary, maxBytes: summaryBytes - there });
    if (text === undefined) throw new Error('it has no room left');
    return text;
  });
}

/** GITHUB_OUTPUT gets `name=value` lines. */
export async function writeOutputs(
  values: Readonly<Record<string, string>>,
  context: CommandContext,
): Promise<void> {
  await append('GITHUB_OUTPUT', context, () => Promise.resolve(formatOutputs(values)));
}

async function append(
  variable: 'GITHUB_STEP_SUMMARY' | 'GITHUB_OUTPUT',
  { environment, warn }: CommandContext,
  make: (file: string) => Promise<string>,
): Promise<void> {
  const file = environment[variable];
  if (file === undefined || file === '') return;
  try {
    await appendFile(file, await make(file));
  } catch (error) {
    warn(`notice: cannot write the file of ${variable}: ${errorMessage(error)}`);
  }
}
