/** Tokens: from a variable or a private file, never from an argument; and the variables that no task may see. */
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { readPrivateFile } from '../../ssh/private-file.js';

/** Variables that hold a credential, or the means to get one. No task sees them. */
export const credentialVariables: readonly string[] = [
  'SOIL_TOKEN',
  'SOIL_GITHUB_API_TOKEN',
  'GITHUB_TOKEN',
  'GH_TOKEN',
  'ACTIONS_ID_TOKEN_REQUEST_TOKEN',
  'ACTIONS_ID_TOKEN_REQUEST_URL',
  'ACTIONS_RUNTIME_TOKEN',
  'ACTIONS_RUNTIME_URL',
  'ACTIONS_RESULTS_URL',
  'ACTIONS_CACHE_URL',
  'SSH_AUTH_SOCK',
  'GIT_ASKPASS',
  'SSH_ASKPASS',
  'NPM_TOKEN',
  'NODE_AUTH_TOKEN',
];

export interface CredentialSource {
  /** the variable's name, for messages */
  readonly variable: string;
  readonly value: string | undefined;
  /** goes before the variable */
  readonly file?: string;
}

/** The secret; undefined where nobody set one. A file that others may read is refused: it is no secret any more. */
export async function readCredential({
  variable,
  value,
  file,
}: CredentialSource): Promise<Result<string | undefined>> {
  if (file === undefined) {
    return value === undefined || value === '' ? accept(undefined) : parseSecret(value, variable);
  }
  const text = await readPrivateFile(file, 'token file');
  return text.ok ? parseSecret(text.value, `token file ${quote(file)}`) : text;
}

/** One line of printable ASCII: what an HTTP header can hold. The text itself stands in no message. */
function parseSecret(text: string, what: string): Result<string> {
  const secret = text.trim();
  if (/^[\x21-\x7e]{8,4000}$/.test(secret)) return accept(secret);
  return refuse(`cannot accept the token of ${what}: it must be one word of 8 to 4000 ASCII characters`);
}
