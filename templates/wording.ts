/** Turns values of the model into the words, numbers and marks of pages and messages. Pure. */
import type { JobOutcome, TaskOutcome } from '../model/outcome.js';
import type { WorkerHost } from '../model/name.js';
import { escapeUnits } from '../model/result.js';

/** How pages show an outcome: a word, a symbol, and the CSS class that colors both. */
export interface Mark {
  readonly word: string;
  /** one character that no font renders as an emoji */
  readonly symbol: string;
  readonly css: string;
}

export type Outcome = TaskOutcome | JobOutcome;

const marks: Readonly<Record<Outcome, Mark>> = {
  passed: { word: 'passed', symbol: '✓', css: 'passed' },
  flaky: { word: 'flaky', symbol: '≈', css: 'flaky' },
  failed: { word: 'failed', symbol: '✗', css: 'failed' },
  'timed-out': { word: 'timed out', symbol: '◷', css: 'timed-out' },
  'known-failure': { word: 'known failure', symbol: '≉', css: 'known-failure' },
  'unexpected-pass': { word: 'unexpected pass', symbol: '≠', css: 'unexpected-pass' },
  cancelled: { word: 'cancelled', symbol: '⊘', css: 'cancelled' },
  skipped: { word: 'skipped', symbol: '–', css: 'skipped' },
  error: { word: 'error', symbol: '!', css: 'error' },
  empty: { word: 'no task ran', symbol: '∅', css: 'empty' },
  running: { word: 'running', symbol: '▸', css: 'running' },
  expected: { word: 'expected', symbol: '○', css: 'expected' },
  lost: { word: 'lost', symbol: '?', css: 'lost' },
};

export const markOf = (outcome: Outcome): Mark => marks[outcome];

/** The outcomes, most severe first. */
export const outcomesBySeverity: readonly Outcome[] = [
  'error',
  'failed',
  'timed-out',
  'unexpected-pass',
  'lost',
  'cancelled',
  'empty',
  'running',
  'expected',
  'flaky',
  'known-failure',
  'skipped',
  'passed',
];

export function hostWord(host: WorkerHost): string {
  switch (host) {
    case 'github':
      return 'GitHub';
    case 'sourcehut':
      return 'sourcehut';
    case 'local':
      return 'Local machines';
  }
}

/** Returns `0.04 s`, `1.3 s`, `4 min 05 s`, `1 h 02 min` or `3 d 4 h`. Rounds first, so that it is never `60.0 s`. */
export function durationText(seconds: number): string {
  const s = Math.max(0, seconds);
  if (s < 0.995) return `${s.toFixed(2)} s`;
  if (s < 59.95) return `${s.toFixed(1)} s`;
  const whole = Math.round(s);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${pad(whole % 60)} s`;
  const minutes = Math.round(s / 60);
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ${pad(minutes % 60)} min`;
  const hours = Math.round(s / 3600);
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

const pad = (n: number): string => String(n).padStart(2, '0');

/** Returns `512 B`, `1.4 kB`, `220 kB` or `1.2 GB`: decimal units, up to three digits. */
export function bytesText(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  let value = bytes;
  for (const unit of ['kB', 'MB', 'GB', 'TB']) {
    value /= 1000;
    if (value < 9.95) return `${value.toFixed(1)} ${unit}`;
    if (value < 999.5 || unit === 'TB') return `${value.toFixed(0)} ${unit}`;
  }
  return `${bytes} B`;
}

/** A time for `<time>`: `datetime` is machine-readable, `text` has seconds, `short` has none. */
export interface Instant {
  readonly datetime: string;
  readonly text: string;
  readonly short: string;
}

/** Formats seconds since 1970, UTC; undefined if they are out of range. */
export function instantOf(seconds: number | undefined): Instant | undefined {
  if (seconds === undefined) return undefined;
  const date = new Date(Math.floor(seconds) * 1000);
  if (Number.isNaN(date.getTime())) return undefined;
  const iso = date.toISOString();
  const [day = '', clock = ''] = iso.split('T');
  return {
    datetime: iso.replace('.000Z', 'Z'),
    text: `${day} ${clock.slice(0, 8)} UTC`,
    short: `${day} ${clock.slice(0, 5)} UTC`,
  };
}

export const shortCommit = (hash: string): string => hash.slice(0, 8);

/** Returns the normalized URL if it is http or https and has no user or password. Other URLs must not become links. */
export function httpUrl(text: string | undefined): string | undefined {
  if (text === undefined || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  const allowed =
    (url.protocol === 'https:' || url.protocol === 'http:') && url.username + url.password === '';
  return allowed ? url.href : undefined;
}

/** Joiners, variation selectors and tags are invisible as well, but emoji and the scripts of India and Iran need them. */
const needed = /[\u200c\u200d\ufe00-\ufe0f\u{e0020}-\u{e007f}]/u;
const hidden =
  /[\p{Cc}\u2028\u2029\p{Default_Ignorable_Code_Point}\u2800\ufff9-\ufffb\ufffe\uffff\p{Surrogate}]/gu;

/**
 * Escapes the control, direction and other invisible characters of untrusted text as `\u202e`, so that no name can look
 * like another. Escapes lone surrogates too, which UTF-8 cannot encode.
 */
export function visibleText(text: string): string {
  return text.replace(hidden, (c) => (needed.test(c) ? c : escapeUnits(c)));
}

/** Returns visibleText() of at most `max` characters, then how many there are. */
export function cutText(text: string, max = 300): string {
  if (text.length <= max) return visibleText(text);
  return `${visibleText(text.slice(0, max))}… (${text.length.toLocaleString('en-US')} characters)`;
}

/** Returns `1 job` or `3 jobs`. */
export const countText = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;
