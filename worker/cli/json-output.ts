/** `run --json`: a job's lines go to stderr, and what it came to stands on stdout as one line of JSON. */
import { readFile, stat } from 'node:fs/promises';
import { parseJobName } from '../../model/name.js';
import { parseRecord } from '../../model/record-reader.js';
import { parseRows } from '../../model/row.js';
import type { CommandContext } from '../system/command-context.js';
import { chooseRepo } from '../config/load-job.js';
import { jobFilePaths, outFolderPath } from '../record/out-folder.js';

/** Runs it; where a record came of it, prints what that says. The exit status stays the run's own. */
export async function runAsJson(
  run: (context: CommandContext) => Promise<number>,
  { name, out }: { readonly name: string; readonly out?: string },
  context: CommandContext,
): Promise<number> {
  const begin = Date.now();
  const urls: string[] = [];
  const warn = (line: string): void => {
    if (/^https?:\/\/\S+$/.test(line)) urls.push(line);
    context.warn(line);
  };
  const status = await run({ ...context, print: warn, color: false });
  const job = parseJobName(name, 'job');
  if (!job.ok) return status;
  const repo = await chooseRepo(context);
  const files = jobFilePaths(outFolderPath(out, { repo, cwd: context.cwd, job: job.value }), job.value);
  const written = await stat(files.json).catch(() => undefined);
  // What an earlier run left is not what this one came to. File systems cut times off.
  if (written === undefined || written.mtimeMs < begin - 2000) return status;
  const record = parseRecord(await readFile(files.json, 'utf8'));
  const rows = parseRows(await readFile(files.tsv, 'utf8'));
  if (!record.ok || !rows.ok) return status;
  const { outcome, reason, commit, attempt } = record.value;
  const tasks = rows.value.flatMap((row) =>
    row.kind === 'bad'
      ? []
      : [
          {
            task: row.task,
            outcome: row.outcome,
            status: row.status,
            seconds: row.elapsedSeconds,
            tries: row.tries,
          },
        ],
  );
  context.print(JSON.stringify({ job: name, status, outcome, reason, commit, attempt, tasks, files, urls }));
  return status;
}
