/** Parses names into branded types that are safe as file names and as segments of a URL. */
import { findInvisible, findOtherSpace } from './invisible.js';
import { accept, quote, refuse, type Result } from './result.js';

declare const brand: unique symbol;
type Brand<B extends string> = string & { readonly [brand]: B };

/** A job name: ASCII letters, digits, `.`, `_`, `-`; at most 100 characters. Used unchanged as a file name. */
export type JobName = Brand<'JobName'>;
/** A task name: printable Unicode without slashes; at most 120 bytes of UTF-8. Used as the file name of a log. */
export type TaskName = Brand<'TaskName'>;
/** A commit hash: 7 to 64 lowercase hexadecimal digits. Git's full hashes have 40 or 64. */
export type CommitHash = Brand<'CommitHash'>;
/** The number or id of a run on its host: ASCII letters, digits, `.`, `_`, `-`; at most 100 characters. */
export type RunId = Brand<'RunId'>;

/** The kind of host where a job ran. */
export type WorkerHost = 'github' | 'sourcehut' | 'local';
export const workerHosts: readonly WorkerHost[] = ['github', 'sourcehut', 'local'];

const word = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
/** Suffixes that Soil appends to job names: job `a.json` would collide with a file of job `a`. */
const reservedSuffix = /\.(json|tsv|wwz|html|tmp)$/i;

export function parseJobName(text: string, what = 'job name'): Result<JobName> {
  if (!word.test(text)) return refuse(`cannot accept ${what} ${quote(text)}: ${wordRule}`);
  if (reservedSuffix.test(text)) {
    return refuse(`cannot accept ${what} ${quote(text)}: it ends in a suffix that Soil reserves`);
  }
  return accept(text as JobName);
}

const wordRule = 'it must be 1 to 100 letters, digits, ".", "_" or "-", and start with a letter or digit';

export function parseRunId(text: string, what = 'run'): Result<RunId> {
  if (!word.test(text)) return refuse(`cannot accept ${what} ${quote(text)}: ${wordRule}`);
  if (text === 'commits') return refuse(`cannot accept ${what} "commits": this name is reserved`);
  // The folder of a run is next to pages: `index.html`, `raw.html`, `page-1.html`.
  if (/\.html$/i.test(text))
    return refuse(`cannot accept ${what} ${quote(text)}: it ends in ".html", like a page`);
  return accept(text as RunId);
}

export function parseTaskName(text: string, what = 'task name'): Result<TaskName> {
  // Most names are plain words, which satisfy all rules below. A site that starts parses tens of thousands of names.
  if (word.test(text)) return accept(text as TaskName);
  const because = (reason: string) => refuse(`cannot accept ${what} ${quote(text)}: ${reason}`);
  if (text === '') return because('it is empty');
  if (new TextEncoder().encode(text).length > 120) return because('it is longer than 120 bytes');
  // A name with such a character looks like another name, or like none.
  const hidden = findInvisible(text);
  if (hidden !== undefined) return because(`it has ${hidden}, a control or invisible character`);
  if (/[/\\]/.test(text)) return because('it has a slash or backslash');
  if (text !== text.trim()) return because('it starts or ends with a space');
  const space = findOtherSpace(text);
  if (space !== undefined) return because(`it has ${space}, which looks like a space`);
  if (/^[.-]/.test(text)) return because('it starts with "." or "-"');
  return accept(text as TaskName);
}

export function parseCommitHash(text: string, what = 'commit'): Result<CommitHash> {
  if (/^[0-9a-f]{7,64}$/.test(text)) return accept(text as CommitHash);
  return refuse(`cannot accept ${what} ${quote(text)}: it must be 7 to 64 lowercase hexadecimal digits`);
}

export function parseWorkerHost(text: string, what = 'worker host'): Result<WorkerHost> {
  const host = workerHosts.find((h) => h === text);
  if (host !== undefined) return accept(host);
  return refuse(`cannot accept ${what} ${quote(text)}: it must be one of ${workerHosts.join(', ')}`);
}

/** Returns whether `name` matches `pattern`, in which `*` matches any characters. */
export function matchesPattern(pattern: string, name: string): boolean {
  const escaped = pattern.split('*').map((part) => part.replace(/[.]/g, '\\.'));
  return new RegExp(`^${escaped.join('.*')}$`).test(name);
}
