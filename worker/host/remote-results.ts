/** Fetches the results and artifacts of a job from another machine. */
import { quote } from '../../model/result.js';
import { OutputText } from '../output/output-text.js';
import { fetchSection, type OutputLane } from '../output/stream-output.js';
import { unpackResults, type Unpacked, type UnpackOptions } from '../transfer/result-archive.js';
import { matchNames, searchRoot } from '../transfer/result-names.js';
import { ChunkQueue } from './chunk-queue.js';

export interface RemoteResultsOptions {
  /** the patterns of results, and the paths of artifacts */
  readonly patterns: readonly string[];
  /** an empty folder of the worker */
  readonly folder: string;
}

const limits = { maxBytes: 64 * 1024 ** 3, maxFiles: 200_000 } as const;
const maxNameBytes = 64 * 1024 * 1024;

/** Copies the files to the folder. Returns notices about what is not there. */
export async function fetchResults(
  lane: OutputLane,
  { patterns, folder }: RemoteResultsOptions,
): Promise<readonly string[]> {
  if (patterns.length === 0) return [];
  const names = new OutputText(maxNameBytes);
  const roots = [...new Set(patterns.map(searchRoot))];
  if (!(await fetchSection(lane, withLines('find', roots), names))) return [cut];
  if (names.bytes > maxNameBytes) {
    return [`cannot fetch the results: the names of the files there are longer than ${maxNameBytes} bytes`];
  }
  const listed = names
    .toString()
    .split('\0')
    .map((name) => name.replace(/^(\.\/)+/, ''));
  const wanted = await matchNames([...new Set(listed.filter((name) => name !== ''))], patterns);
  const sent = [...wanted].filter((name) => !bad.test(name));
  const notices = [...wanted]
    .filter((name) => bad.test(name))
    .map((name) => `cannot fetch result ${quote(name, 300)}: its name has a line break, or is not UTF-8`);
  const left: { maxBytes: number; maxFiles: number } = { ...limits };
  for (let at = 0; at < sent.length; at += batchSize) {
    const end = await fetchBatch(lane, sent.slice(at, at + batchSize), { folder, ...left });
    left.maxBytes -= end.bytes;
    left.maxFiles -= end.files;
    notices.push(...end.notices);
    if (end.failure === undefined) continue;
    notices.push(`cannot fetch all results: ${end.failure}`);
    break;
  }
  return notices;
}

/** They are arguments of one command. */
const batchSize = 200;
/** The names go over one a line. */
const bad = /[\n\ufffd]/;

async function fetchBatch(
  lane: OutputLane,
  names: readonly string[],
  options: Omit<UnpackOptions, 'isWanted'>,
): Promise<Unpacked> {
  const wanted = new Set(names);
  const queue = new ChunkQueue();
  const unpacking = unpackResults(queue, { ...options, isWanted: (name) => wanted.has(name) });
  const lines = names.map((name) => `./${name}`);
  const isWhole = await fetchSection(lane, withLines('pack', lines), queue);
  queue.end();
  const unpacked = await unpacking;
  return isWhole ? unpacked : { ...unpacked, failure: 'the connection was lost' };
}

const cut = 'cannot fetch the results: the connection was lost';

function withLines(word: 'find' | 'pack', lines: readonly string[]): (mark: string) => string {
  const text = lines.map((line) => `${line}\n`).join('');
  return (mark) => `${word} ${mark} ${Buffer.byteLength(text)}\n${text}`;
}
