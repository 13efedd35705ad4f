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

/** Formats the end of a job from its files. Returns undefined if the job never started. */
export async function formatEndAsJson({ job, status, results, urls }: JobEnd): Promise<string | undefined> {
  if (results === undefined) return undefined;
  const { files } = results;
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
  return JSON.stringify({ job, status, outcome, reason, commit, attempt, tasks, files, urls: links });
}
