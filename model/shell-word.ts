/** Quotes text for POSIX shells. Pure. */
import { quote } from './result.js';

/** Quotes any text as one word. */
export const shellWord = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** Formats a word of a command for people to paste: quoted only if necessary. Text with line breaks is shown in JSON. */
export const pasted = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : /[\n\r]/.test(text) ? quote(text) : shellWord(text);
