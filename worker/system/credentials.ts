/** Reads tokens from a variable or a private file, never from an argument. */
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { readPrivateFile } from '../../ssh/private-file.js';

export interface CredentialSource {
  /** the name of the variable, for messages */
  readonly variable: string;
  readonly value: string | undefined;
  /** takes precedence over the variable */
  readonly file?: string;
}

/** Reads a token. Returns undefined when none is set. Fails when other users can read the file. */
export async function readCredential({
  variable,
  value,
  file,
}: CredentialSource): Promise<Result<string | undefined>> {
  if (file === undefined) {
    return value === undefined || value === '' ? accept(undefined) : parseToken(value, variable);
  }
  const text = await readPrivateFile(file, 'token file');
  return text.ok ? parseToken(text.value, `token file ${quote(file)}`) : text;
}

/** Accepts one word of printable ASCII, as an HTTP header can hold. The token itself never appears in a message. */
function parseToken(text: string, what: string): Result<string> {
  const token = text.trim();
  if (/^[\x21-\x7e]{8,4000}$/.test(token)) return accept(token);
  return refuse(`cannot use the token in ${what}: it must be one word of 8 to 4000 ASCII characters`);
}
