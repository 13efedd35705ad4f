/** Text from outside -> branded names that are safe as a file name and as a part of a URL, or a refusal. */
import { accept, quote, refuse, type Result } from './result.js';

declare const brand: unique symbol;
type Brand<B extends string> = string & { readonly [brand]: B };

/** A job: ASCII letters, digits, `.`, `_`, `-`; at most 100 characters; becomes a file name as it is. */
export type JobName = Brand<'JobName'>;
/** A task: any printable Unicode but slashes; at most 120 bytes of UTF-8; becomes a log's file name. */
export type TaskName = Brand<'TaskName'>;
/** A commit: 7 to 64 lower-case hexadecimal digits; git's own full hashes have 40 or 64. */
export type CommitHash = Brand<'CommitHash'>;
/** A run's number or id on its host: ASCII letters, digits, `.`, `_`, `-`; at most 100 characters. */
export type RunId = Brand<'RunId'>;

/** Where a job ran. */
export type WorkerHost = 'github' | 'sourcehut' | 'local';
export const workerHosts: readonly WorkerHost[] = ['github', 'sourcehut', 'local'];

const word = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
/** Suffixes that Soil itself puts behind a job's name: a job called like this would take another one's file. */
const reservedSuffix = /\.(json|tsv|wwz|html|tmp)$/i;

export function parseJobName(text: string, what = 'job name'): Result<JobName> {
  if (!word.test(text)) return refuse(`cannot accept ${what} ${quote(text)}: ${wordRule}`);
  if (reservedSuffix.test(text)) {
    return refuse(`cannot accept ${what} ${quote(text)}: it ends in a suffix that Soil's own files have`);
  }
  return accept(text as JobName);
}

const wordRule = 'it must be 1 to 100 letters, digits, ".", "_" or "-", and begin with a letter or digit';

export function parseRunId(text: string, what = 'run'): Result<RunId> {
  if (!word.test(text)) return refuse(`cannot accept ${what} ${quote(text)}: ${wordRule}`);
  if (text === 'commits')
    return refuse(`cannot accept ${what} "commits": the site has a folder of that name`);
  // A run is a folder beside its host's pages: `index.html`, `raw.html`, `page-1.html`.
  if (/\.html$/i.test(text)) return refuse(`cannot accept ${what} ${quote(text)}: pages have such names`);
  return accept(text as RunId);
}

/** Control characters, and the bidirectional and line separators that make a name look like another one. */

const unprintable = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|\p{Surrogate}/u;

export function parseTaskName(text: string, what = 'task name'): Result<TaskName> {
  // Most names are plain words, which break none of the rules below; a site's start reads them by the ten thousand.
  if (word.test(text)) return accept(text as TaskName);
  const because = (reason: string) => refuse(`cannot accept ${what} ${quote(text)}: ${reason}`);
  if (text === '') return because('it is empty');
  if (new TextEncoder().encode(text).length > 120) return because('it is longer than 120 bytes');
  if (unprintable.test(text)) return because('it has a control or invisible character');
  if (/[/\\]/.test(text)) return because('it has a slash or backslash');
  if (text !== text.trim()) return because('it begins or ends with a space');
  if (/^[.-]/.test(text)) return because('it begins with "." or "-"');
  return accept(text as TaskName);
}

export function parseCommitHash(text: string, what = 'commit'): Result<CommitHash> {
  if (/^[0-9a-f]{7,64}$/.test(text)) return accept(text as CommitHash);
  return refuse(`cannot accept ${what} ${quote(text)}: it must be 7 to 64 lower-case hexadecimal digits`);
}

export function parseWorkerHost(text: string, what = 'worker host'): Result<WorkerHost> {
  const host = workerHosts.find((h) => h === text);
  if (host !== undefined) return accept(host);
  return refuse(`cannot accept ${what} ${quote(text)}: it must be one of ${workerHosts.join(', ')}`);
}
