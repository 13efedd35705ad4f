/** soil-server.yml -> the site's retention, or every fault as `FILE:LINE:COLUMN: sentence`. */
import { readFile } from 'node:fs/promises';
import { LineCounter, parseDocument, type Node } from 'yaml';
import { accept, quote, refuse, type Result } from '../model/result.js';
import { parseRetention, type PolicyFault, type RetentionPolicy } from './retention-policy.js';

/** Undefined where the file says nothing of it. */
export async function readRetention(file: string): Promise<Result<RetentionPolicy | undefined>> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    return refuse(`cannot read ${quote(file)}: ${(error as NodeJS.ErrnoException).code ?? String(error)}`);
  }
  return parseRetentionText(text, file);
}

export function parseRetentionText(text: string, file: string): Result<RetentionPolicy | undefined> {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, schema: 'failsafe', prettyErrors: false });
  const at = (offset: number, sentence: string): string => {
    const { line, col } = lineCounter.linePos(offset);
    return `${file}:${Math.max(1, line)}:${Math.max(1, col)}: ${sentence}`;
  };
  const wrong = [...document.errors, ...document.warnings].map(({ pos, message }) =>
    at(pos[0], `cannot read YAML: ${message}`),
  );
  if (wrong.length > 0) return refuse(wrong.join('\n'));
  // An alias is written out: a bounded number of them, so that none stands for a file larger than memory.
  const root = document.toJS({ maxAliasCount: 100 }) as unknown;
  if (typeof root !== 'object' || root === null || !('retention' in root)) return accept(undefined);
  const { policy, faults } = parseRetention(root.retention);
  const offsetOf = ({ path }: PolicyFault): number => {
    for (let length = path.length; length > 0; length--) {
      const node = document.getIn(path.slice(0, length), true) as Node | undefined;
      const start = node?.range?.[0];
      if (start !== undefined) return start;
    }
    return 0;
  };
  return faults.length === 0
    ? accept(policy)
    : refuse(faults.map((fault) => at(offsetOf(fault), fault.text)).join('\n'));
}
