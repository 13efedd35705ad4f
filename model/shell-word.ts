/** Any text -> one word of a POSIX shell's line. Pure. */
import { quote } from './result.js';

/** Text as one word of the shell, whatever is in it. */
export const shellWord = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** A word of a command that can be pasted; what cannot be one line is quoted for the eye. */
export const pasted = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : /[\n\r]/.test(text) ? quote(text) : shellWord(text);
