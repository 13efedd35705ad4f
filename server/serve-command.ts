/** `soil-server serve`: opens a site, listens, and on a signal finishes what was accepted. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { isIP } from 'node:net';
import { quote } from '../model/result.js';
import type { CommandContext, ExitStatus } from './command-context.js';
import { createHttpServer } from './http-server.js';
import { defaultLimits } from './limits.js';
import { Metrics } from './metrics.js';
import { openSite } from './site.js';
import { openStaticSite } from './static.js';
import { TokenStore } from './token-store.js';

export interface ServeOptions {
  readonly host: string;
  readonly port: string;
  readonly openOnLoopback: boolean;
}

/** Connections that are still busy after this are cut; what was acknowledged is on disk by then. */
const farewellSeconds = 30;

export async function serve(
  folder: string,
  options: ServeOptions,
  context: CommandContext,
): Promise<ExitStatus> {
  const { print, warn, now } = context;
  if (!/^\d{1,5}$/.test(options.port) || Number(options.port) > 65535) {
    warn(`cannot listen on port ${quote(options.port)}: it must be a number from 0 to 65535`);
    return 2;
  }
  if (options.openOnLoopback && !isLoopback(options.host)) {
    warn(`cannot be open on ${quote(options.host)}: without tokens, only a loopback address is allowed`);
    return 2;
  }
  const metrics = new Metrics();
  const site = await openSite(folder, { metrics, now, warn });
  if (!site.ok) {
    warn(site.error);
    return 2;
  }
  const files = await openStaticSite(site.value.folder, { report: warn });
  const keeper = {
    ...{ tokens: new TokenStore(site.value.privates.tokens), isOpen: options.openOnLoopback, now },
  };
  const parts = { site: site.value, files, keeper, limits: defaultLimits, metrics, log: warn };
  const server = createHttpServer(parts);
  try {
    server.listen(Number(options.port), options.host);
    await once(server, 'listening');
    const { address, family, port } = server.address() as AddressInfo;
    const host = family === 'IPv6' ? `[${address}]` : address;
    print(`soil-server: serving ${site.value.folder} at http://${host}:${port}/`);
    if (!context.stop.aborted) await once(context.stop, 'abort');
    const closed = once(server, 'close');
    server.close();
    server.closeIdleConnections();
    const cut = setTimeout(() => {
      server.closeAllConnections();
    }, farewellSeconds * 1000);
    await closed;
    clearTimeout(cut);
    return 0;
  } catch (error) {
    warn(`cannot serve: ${(error as Error).message}`);
    return 2;
  } finally {
    await files.close();
    await site.value.close();
  }
}

/** 127.0.0.0/8, ::1 and the name of both. */
function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}
