/** Links from the rows of tasks to their results. Pure. */
import type { TaskRow } from '../../model/row.js';

/** Returns the rows without links to files that a wwz of these names does not have. */
export function dropLinks(rows: readonly TaskRow[], names: readonly string[]): readonly TaskRow[] {
  const files = new Set(names);
  return rows.map((row) => {
    const link = row.resultHtml;
    if (link === undefined || files.has(link)) return row;
    if (link.endsWith('/') && names.some((name) => name.startsWith(link))) return row;
    const others: { -readonly [K in keyof TaskRow]: TaskRow[K] } = { ...row };
    delete others.resultHtml;
    return others;
  });
}
