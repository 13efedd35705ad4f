/** Formats the JSON of `run --json` and `local --json`, and keeps other lines off stdout. */
import { readFile } from 'node:fs/promises';
import { parseRecord } from '../../model/record-reader.js';
import { parseRows } from '../../model/row.js';
import type { JobEnd } from '../job/job-pipeline.js';
import type { CommandContext } from '../system/command-context.js';

/** Prints the lines of a job on stderr instead of stdout, so that stdout contains only JSON. */
export const quietStdout = (context: CommandContext): CommandContext => ({
  ...context,
  print: context.warn,
  color: false,
});

/**
 * Formats the end of the named job from its files, and how the jobs ended that it needs and that ran first. Returns
 * undefined if the job never started.
 */
export async function formatEndsAsJson(ends: readonly JobEnd[]): Promise<string | undefined> {
  const named = ends.find(({ isNamed }) => isNamed !== false);
  if (named?.results === undefined) return undefined;
  const { job, status, results, skip, urls } = named;
  const needs = ends
    .filter((end) => end !== named)
    .map((end) => ({ job: end.job, status: end.status, outcome: end.results?.outcome }));
  const { files, copies } = results;
  const record = parseRecord(await readFile(files.json, 'utf8'));
  const rows = parseRows(await readFile(files.tsv, 'utf8'));
  if (!record.ok || !rows.ok) return undefined;
  const { outcome, reason, commit, attempt } = record.value;
  const tasks = rows.value.flatMap((row) => {
    if (row.kind === 'bad') return [];
    const { task, tries, elapsedSeconds: seconds } = row;
    return [{ task, outcome: row.outcome, status: row.status, seconds, tries }];
  });
  // An upload over SSH has paths, not URLs.
  const links = urls.filter((url) => /^https?:\/\//.test(url));
  return JSON.stringify({
    ...{ job, status, outcome, reason, commit, attempt, tasks, files: copies, urls: links },
    ...(skip !== undefined && { skipped: true }),
    ...(needs.length > 0 && { needs }),
  });
}
