/** Recognizes tasks that failed because they asked for input, which is closed. */

/** What common programs and libraries write when they cannot read an answer. */
const complaints: readonly RegExp[] = [
  /\bEOFError\b|EOF when reading a line/,
  /\b(?:stdin|standard input|the input device) is not a (?:tty|terminal)\b/i,
  /\bnot a tty\b|\bno tty present\b|\ba terminal is required\b|\bInappropriate ioctl for device\b/i,
  /\bcould not read (?:Username|Password|Passphrase)\b/i,
  /\bterminal prompts disabled\b/i,
  /\bunexpected (?:EOF|end of file) (?:on|from|in) (?:stdin|standard input|input)\b/i,
  /\b(?:EOF|end of file) (?:on|from) (?:stdin|standard input)\b/i,
];
/** A prompt: `Continue? [Y/n] `, `(yes/no)? `, `Password: `. */
const prompt =
  /(?:\[[yY]\/[nN]\]|\[[nN]\/[yY]\]|\((?:y\/n|yes\/no)[^)]*\)|[?]|\b(?:password|passphrase|username|login|name|value|choice)\b[^:?\n]{0,80}:)\s*[:?>]?\s*$/i;
/** A line that ends the log without a line end is a prompt more often than text is. */
const openPrompt = /[?:>\]]\s*$/;
/** A program often adds a sentence such as `Abort.` after its prompt. */
const abort = /^(?:abort(?:ed|ing)?|cancelled|canceled|exiting|bye)[.!]?$/i;

/** What a failed task asked that looks like this; its note. */
export const closedInputNote = 'it seems to have asked for input, which is closed for tasks';

/** Returns whether the end of a log shows that its task asked for input. `tail`: the last lines of the log. */
export function asksForInput(tail: string): boolean {
  const lines = tail.split(/\r?\n/).map((line) => line.trimEnd());
  const isOpen = lines.at(-1) !== '';
  const last = lines.filter((line) => line !== '').slice(-3);
  if (last.some((line) => complaints.some((complaint) => complaint.test(line)))) return true;
  const [end = ''] = last.slice(-1);
  if (isOpen && openPrompt.test(end)) return true;
  if (prompt.test(end)) return true;
  // `Do you want to continue? [Y/n] Abort.`
  const withoutAbort = end.replace(/\s+\S+$/, '');
  if (abort.test(end.slice(withoutAbort.length).trim()) && prompt.test(withoutAbort)) return true;
  return abort.test(end.trim()) && prompt.test(last.at(-2) ?? '');
}
