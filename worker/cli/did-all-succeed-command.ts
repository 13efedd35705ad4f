/** `soil-worker did-all-succeed FILE.tsv...`: checks that every task passed, and names those that did not. */
import { errorMessage } from '../../model/error-message.js';
import { foldTasks, isGreen } from '../../model/outcome.js';
import { quote } from '../../model/result.js';
import { parseRows, type Row } from '../../model/row.js';
import { exitStatus } from '../../command/command-context.js';
import { chooseRepo } from '../config/load-job.js';
import type { CommandContext } from '../system/command-context.js';
import { readNamedText } from '../system/named-file.js';

/** Returns 0 if every task of every file passed, else 1. */
export async function didAllSucceedCommand(
  files: readonly string[],
  { json = false }: { readonly json?: boolean },
  context: CommandContext,
): Promise<number> {
  const read: { readonly file: string; readonly faults: readonly string[] }[] = [];
  for (const file of files) read.push({ file, faults: await readFaults(file, context) });
  const failed = read.filter(({ faults }) => faults.length > 0).length;
  if (json) {
    context.print(JSON.stringify({ succeeded: failed === 0, files: read }));
    return failed === 0 ? exitStatus.ok : exitStatus.failed;
  }
  for (const { file, faults } of read) for (const fault of faults) context.warn(`${file}: ${fault}`);
  if (failed === 0) context.print(`all succeeded: ${files.length} of ${files.length}`);
  else context.warn(`not all succeeded: ${failed} of ${files.length} failed`);
  return failed === 0 ? exitStatus.ok : exitStatus.failed;
}

async function readFaults(file: string, context: CommandContext): Promise<string[]> {
  let text: string;
  try {
    text = await readNamedText({ repo: await chooseRepo(context), cwd: context.cwd, file });
  } catch (error) {
    // A job without a file did not succeed.
    return [`cannot read the file: ${errorMessage(error)}`];
  }
  const rows = parseRows(text);
  return rows.ok ? findFaults(rows.value) : [rows.error];
}

/** Returns why a job did not succeed; empty if it did. */
export function findFaults(rows: readonly Row[]): string[] {
  const outcome = foldTasks(rows);
  if (isGreen(outcome)) return [];
  const faults = rows.flatMap((row) => {
    if (row.kind === 'bad') return [`line ${row.line}: ${row.reason}`];
    // An allowed failure is green. An allowed task that was cancelled or ended with an error is not.
    if (row.outcome === 'skipped' || isGreen(foldTasks([row]))) return [];
    return [`task ${quote(row.task)}: ${row.outcome}, status ${row.status}`];
  });
  return faults.length > 0 ? faults : ['no task passed'];
}
