/** `soil-server serve`: a site, or soil-server.yml with many -> a server of them, until a signal comes. */
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { errorMessage } from '../../model/error-message.js';
import { fileFault } from '../../model/file-fault.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { exitStatus } from '../../command/command-context.js';
import type { CommandContext } from './command-context.js';
import { listen } from '../api/http-server.js';
import { defaultLimits } from '../config/limits.js';
import { LogBuffer } from '../http/log-buffer.js';
import { Metrics } from '../api/metrics.js';
import { defaultQuota, rootPrefix } from '../config/project.js';
import { formatNotice, formatRequestLine } from '../http/access-log.js';
import { openProject, type ServedProject } from '../api/served-project.js';
import {
  defaultListen,
  parseLogFormat,
  parsePort,
  parseServerConfig,
  type ServerConfig,
} from '../config/server-config.js';

/** Where the sites stand: one folder, or a file that maps prefixes to folders. */
export type ServeWhat =
  { readonly kind: 'site'; readonly folder: string } | { readonly kind: 'config'; readonly file: string };

/** What stands on the command line goes before what stands in the file. */
export interface ServeOptions {
  readonly host?: string;
  readonly port?: string;
  readonly logFormat?: string;
  readonly openOnLoopback?: boolean;
}

export async function serveCommand(
  what: ServeWhat,
  options: ServeOptions,
  { now, print, warn, cancel }: CommandContext,
): Promise<number> {
  const wrongUse = (error: string): number => {
    warn(error);
    return exitStatus.usage;
  };
  const config = await readConfig(what);
  if (!config.ok) return wrongUse(config.error);
  const address = parseAddress(config.value, options);
  if (!address.ok) return wrongUse(address.error);
  const format = parseLogFormat(options.logFormat ?? config.value.logFormat ?? 'json');
  if (!format.ok) return wrongUse(format.error);
  const { limits } = config.value;
  const log = new LogBuffer(warn);
  const flush = (): void => {
    log.flush();
  };
  // However the process ends on its own.
  process.once('exit', flush);
  const projects: ServedProject[] = [];
  try {
    for (const project of config.value.projects) {
      const report = (message: string): void => {
        const which = project.prefix === rootPrefix ? '' : `project ${quote(project.prefix)}: `;
        log.add(formatNotice(now(), which + message, format.value));
      };
      const isOpen = options.openOnLoopback === true;
      const opened = await openProject(project, { now, report, isOpen });
      if (!opened.ok) return wrongUse(opened.error);
      projects.push(opened.value);
    }
    const server = await listen(address.value, {
      root: { projects, title: config.value.title ?? 'Soil', metrics: new Metrics() },
      ...{ limits, now },
      log: (line) => {
        log.add(formatRequestLine(line, format.value));
      },
    });
    const name = isIP(address.value.host) === 6 ? `[${address.value.host}]` : address.value.host;
    const where = what.kind === 'site' ? resolve(what.folder) : `${projects.length} projects`;
    print(`soil-server: serving ${where} at http://${name}:${server.port}/`);
    await aborted(cancel);
    await server.stop();
    return exitStatus.ok;
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (!['EADDRINUSE', 'EADDRNOTAVAIL', 'EACCES', 'ENOTFOUND'].includes(code)) throw error;
    const { host, port } = address.value;
    warn(`cannot serve at ${quote(`${host}:${port}`)}: ${errorMessage(error)}`);
    return exitStatus.failed;
  } finally {
    for (const project of projects) await project.close();
    flush();
    process.off('exit', flush);
  }
}

async function readConfig(what: ServeWhat): Promise<Result<ServerConfig>> {
  switch (what.kind) {
    case 'site': {
      const limits = defaultLimits;
      const project = { prefix: rootPrefix, folder: what.folder, limits, quota: defaultQuota };
      return accept({ limits, projects: [project] });
    }
    case 'config':
      try {
        return parseServerConfig(await readFile(what.file, 'utf8'), what.file);
      } catch (error) {
        return refuse(`cannot read ${quote(what.file)}: ${fileFault(error)}`);
      }
  }
}

function parseAddress(
  config: ServerConfig,
  { host: hostOption, port: portOption, openOnLoopback = false }: ServeOptions,
): Result<{ readonly host: string; readonly port: number }> {
  const host = hostOption ?? config.host ?? defaultListen.host;
  const port = portOption === undefined ? accept(config.port ?? defaultListen.port) : parsePort(portOption);
  if (!port.ok) return port;
  // Only addresses that can be nothing else: a name may resolve to any.
  const isLoopback = host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
  if (openOnLoopback && !isLoopback) {
    return refuse(
      `cannot accept uploads without a token at --host ${quote(host)}: --open-on-loopback needs an address of 127.0.0.0/8, or ::1`,
    );
  }
  return accept({ host, port: port.value });
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
