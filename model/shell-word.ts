/** Quotes text for POSIX shells. Pure. */
import { quote } from './result.js';

/** Quotes any text as one word. */
export const quoteShellWord = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** Formats a word of a command for people to paste: quoted only if necessary. Text with line breaks is shown in JSON. */
export const formatShellWord = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : /[\n\r]/.test(text) ? quote(text) : quoteShellWord(text);
