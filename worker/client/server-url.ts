/** Text from an option or a variable -> the address of a server, or a refusal. Pure. */
import { accept, quote, refuse, type Result } from '../../model/result.js';

/** The server that an option or else SOIL_SERVER names; `verb` tells what for. */
export function chooseServer(
  named: string | undefined,
  { SOIL_SERVER }: Readonly<Record<string, string | undefined>>,
  verb = 'ask a server',
): Result<URL> {
  const text = named ?? SOIL_SERVER;
  if (text === undefined || text === '') {
    return refuse(`cannot ${verb}: nobody said where; name a --server, or set SOIL_SERVER`);
  }
  return parseServerUrl(text, named === undefined ? 'SOIL_SERVER' : '--server');
}

/** A server's address: http or https, without credentials, query or fragment; it ends in a slash, so that paths go below it. */
export function parseServerUrl(text: string, what = '--server'): Result<URL> {
  const because = (reason: string) => refuse(`cannot accept ${what} ${quote(text)}: ${reason}`);
  if (!URL.canParse(text)) return because('it is no URL');
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') {
    return refuse(`cannot accept ${what}: it holds a credential, which belongs in SOIL_TOKEN`);
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    return because('it must begin with http:// or https://');
  if (url.search !== '' || url.hash !== '') return because('it has a query or a fragment');
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return accept(url);
}
