/** Parses the URL of a server from an option or SOIL_SERVER. Pure. */
import { accept, quote, refuse, type Result } from '../../model/result.js';

/** Returns the URL from the option `--server`, or else from SOIL_SERVER. */
export function resolveServer(
  named: string | undefined,
  { SOIL_SERVER }: Readonly<Record<string, string | undefined>>,
): Result<URL> {
  const text = named ?? SOIL_SERVER;
  if (text === undefined || text === '') {
    return refuse('no server given: pass --server or set SOIL_SERVER');
  }
  return parseServerUrl(text, named === undefined ? 'SOIL_SERVER' : '--server');
}

/** Accepts http and https URLs without credentials, query and fragment. The result ends with a slash. */
export function parseServerUrl(text: string, what = '--server'): Result<URL> {
  const because = (reason: string) => refuse(`cannot accept ${what} ${quote(text)}: ${reason}`);
  if (!URL.canParse(text)) return because('it is not a URL');
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') {
    return refuse(`cannot accept ${what}: it contains a credential; pass the token in SOIL_TOKEN`);
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    return because('it must start with http:// or https://');
  if (url.search !== '' || url.hash !== '') return because('it has a query or a fragment');
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return accept(url);
}
