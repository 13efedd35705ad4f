/** `soil-server serve`: serves a site, or the projects of a soil-server.yml, until SIGINT or SIGTERM. */
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { errorMessage, fileErrorMessage } from '../../model/error-message.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { exitStatus, usageError } from '../../command/command-context.js';
import { countText } from '../../templates/wording.js';
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
  parseMetricsAccess,
  parsePort,
  parseServerConfig,
  type ServerConfig,
} from '../config/server-config.js';

/** What to serve: one site, or a configuration file that maps URL prefixes to sites. */
export type ServeSource =
  { readonly kind: 'site'; readonly folder: string } | { readonly kind: 'config'; readonly file: string };

/** Options override the configuration file. */
export interface ServeOptions {
  readonly host?: string;
  readonly port?: string;
  readonly logFormat?: string;
  readonly metrics?: string;
  readonly openOnLoopback?: boolean;
}

export async function serveCommand(
  source: ServeSource,
  options: ServeOptions,
  context: CommandContext,
): Promise<number> {
  const { now, print, warn, cancel } = context;
  const config = await readConfig(source);
  if (!config.ok) return usageError(context, config.error);
  const address = parseAddress(config.value, options);
  if (!address.ok) return usageError(context, address.error);
  const format = parseLogFormat(options.logFormat ?? config.value.logFormat ?? 'json');
  if (!format.ok) return usageError(context, format.error);
  const metricsAccess = parseMetricsAccess(options.metrics ?? config.value.metrics ?? 'loopback');
  if (!metricsAccess.ok) return usageError(context, metricsAccess.error);
  const { limits } = config.value;
  const log = new LogBuffer(warn);
  const flush = (): void => {
    log.flush();
  };
  // Some exits skip the code below.
  process.once('exit', flush);
  const projects: ServedProject[] = [];
  try {
    for (const project of config.value.projects) {
      const report = (message: string): void => {
        const label = project.prefix === rootPrefix ? '' : `project ${quote(project.prefix)}: `;
        log.add(formatNotice(now(), label + message, format.value));
      };
      const isOpen = options.openOnLoopback === true;
      const opened = await openProject(project, {
        ...{ now, report, isOpen, metricsAccess: metricsAccess.value },
      });
      if (!opened.ok) return usageError(context, opened.error);
      projects.push(opened.value);
    }
    const server = await listen(address.value, {
      root: { projects, title: config.value.title ?? 'Soil', metrics: new Metrics() },
      ...{ limits, now },
      log: (line) => {
        log.add(formatRequestLine(line, format.value));
      },
    });
    const urlHost = isIP(address.value.host) === 6 ? `[${address.value.host}]` : address.value.host;
    const served = source.kind === 'site' ? resolve(source.folder) : countText(projects.length, 'project');
    print(`soil-server: serving ${served} at http://${urlHost}:${server.port}/`);
    await waitForAbort(cancel);
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

async function readConfig(source: ServeSource): Promise<Result<ServerConfig>> {
  switch (source.kind) {
    case 'site': {
      const limits = defaultLimits;
      const project = { prefix: rootPrefix, folder: source.folder, limits, quota: defaultQuota };
      return accept({ limits, projects: [project] });
    }
    case 'config':
      try {
        return parseServerConfig(await readFile(source.file, 'utf8'), source.file);
      } catch (error) {
        return refuse(`cannot read ${quote(source.file)}: ${fileErrorMessage(error)}`);
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
  // A host name may resolve to any address, so only literal addresses count.
  const isLoopback = host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
  if (openOnLoopback && !isLoopback) {
    return refuse(
      `cannot accept uploads without a token at --host ${quote(host)}: --open-on-loopback needs an address in 127.0.0.0/8, or ::1`,
    );
  }
  return accept({ host, port: port.value });
}

function waitForAbort(signal: AbortSignal): Promise<void> {
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
