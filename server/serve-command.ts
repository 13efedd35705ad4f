/** `soil-server serve --site DIR`: a site -> a server of it, until a signal comes. */
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { accept, quote, refuse, type Result } from '../model/result.js';
import { exit, siteTitle, type CommandContext } from './command-context.js';
import { listen } from './http-server.js';
import { defaultLimits } from './limits.js';
import { Metrics } from './metrics.js';
import { isSite } from './private-folder.js';
import { removedSentence } from './removed-path.js';
import { formatNotice } from './request-log.js';
import { readRetention } from './retention-file.js';
import { watchRetention } from './retention-watch.js';
import { watchSilence } from './silence-watch.js';
import { Site } from './site.js';
import { openStaticSite } from './static.js';
import { TokenBook } from './token-store.js';

export interface ServeOptions {
  readonly host: string;
  readonly port: string;
  readonly openOnLoopback?: boolean;
  /** soil-server.yml */
  readonly config?: string;
}

export async function serveCommand(
  folder: string,
  options: ServeOptions,
  { now, print, warn, stop }: CommandContext,
): Promise<number> {
  const address = parseAddress(options);
  if (!address.ok) {
    warn(address.error);
    return exit.wrongUse;
  }
  if (!(await isSite(folder))) {
    warn(`cannot serve ${quote(folder)}: it is no site; run soil-server init --site ${quote(folder)} first`);
    return exit.wrongUse;
  }
  const policy = options.config === undefined ? accept(undefined) : await readRetention(options.config);
  if (!policy.ok) {
    warn(policy.error);
    return exit.wrongUse;
  }
  const limits = defaultLimits;
  const opened = await Site.open(folder, { limits, now, title: siteTitle });
  if (!opened.ok) {
    warn(opened.error);
    return exit.wrongUse;
  }
  const site = opened.value;
  const report = (message: string): void => {
    warn(formatNotice(now(), message));
  };
  try {
    for (const problem of site.problems) report(problem);
    // A crash may have come between a record and its pages: they are brought to what the records say.
    await site.showAll();
    const files = await openStaticSite(folder, {
      report,
      removed: (path) => removedSentence(site.state, path),
    });
    try {
      const guard = {
        tokens: new TokenBook(site.own.tokens),
        isOpen: options.openOnLoopback === true,
      };
      const retention = policy.value && watchRetention({ site, now, report }, policy.value);
      const context = {
        site,
        limits,
        guard,
        metrics: new Metrics(),
        now,
        report,
        ...(retention && { retention }),
      };
      const server = await listen(address.value, { context, files, log: warn });
      const watch = watchSilence(context);
      retention?.start();
      const name = isIP(address.value.host) === 6 ? `[${address.value.host}]` : address.value.host;
      print(`soil-server: serving ${resolve(folder)} at http://${name}:${server.port}/`);
      await aborted(stop);
      await server.stop();
      await watch.stop();
      await retention?.stop();
      return exit.fine;
    } finally {
      await files.close();
    }
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (!['EADDRINUSE', 'EADDRNOTAVAIL', 'EACCES', 'ENOTFOUND'].includes(code)) throw error;
    warn(`cannot serve at ${quote(`${options.host}:${options.port}`)}: ${(error as Error).message}`);
    return exit.failed;
  } finally {
    await site.close();
  }
}

function parseAddress({
  host,
  port,
  openOnLoopback = false,
}: ServeOptions): Result<{ readonly host: string; readonly port: number }> {
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) {
    return refuse(`cannot accept --port ${quote(port)}: it must be a whole number from 0 to 65535`);
  }
  // Only addresses that can be nothing else: a name may resolve to any.
  const isLoopback = host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
  if (openOnLoopback && !isLoopback) {
    return refuse(
      `cannot accept uploads without a token at --host ${quote(host)}: --open-on-loopback needs an address of 127.0.0.0/8, or ::1`,
    );
  }
  return accept({ host, port: Number(port) });
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener(
      'abort',
      () => {
        resolve();
      },
      { once: true },
    );
  });
}
