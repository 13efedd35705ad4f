/** Shortens commands in a record and its rows, so that both satisfy a server's limits. Names and outcomes stay. Pure. */
import { formatRecord, type JobRecord } from '../../model/record.js';
import { formatRows, type TaskRow } from '../../model/row.js';

/** To how many characters commands are cut, from mild to severe. */
const steps = [1000, 200, 50, 0] as const;

const cut = (text: string, length: number): string =>
  text.length <= length ? text : `${text.slice(0, length).replace(/[\ud800-\udbff]$/, '')}…`;

/** Returns the record with its commands cut as far as necessary, then without the layers of its image. */
export function shortenRecord(record: JobRecord, maxBytes: number): JobRecord {
  let short = record;
  for (const length of steps) {
    if (Buffer.byteLength(formatRecord(short)) <= maxBytes) return short;
    short = { ...record, tasks: record.tasks.map((task) => ({ ...task, run: cut(task.run, length) })) };
  }
  if (Buffer.byteLength(formatRecord(short)) <= maxBytes) return short;
  const { image, ...others } = short;
  short = { ...others, ...(image !== undefined && { image: { ...image, layers: [] } }) };
  return Buffer.byteLength(formatRecord(short)) <= maxBytes ? short : { ...short, tasks: [] };
}

/** Returns the rows with their commands cut as far as necessary. */
export function shortenRows(rows: readonly TaskRow[], maxBytes: number): readonly TaskRow[] {
  let short = rows;
  for (const length of steps) {
    if (Buffer.byteLength(formatRows(short)) <= maxBytes) return short;
    short = rows.map((row) => ({ ...row, script: cut(row.script, length), action: cut(row.action, length) }));
  }
  return short;
}
