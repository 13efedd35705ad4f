/** Starts a real web server on a site with Soil's snippet for it; returns its URL. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { repoRoot } from './command.js';
import { freePort } from './free-port.js';

export const webServers = ['nginx', 'apache', 'lighttpd', 'caddy'] as const;
export type WebServerName = (typeof webServers)[number];

export const snippetFiles: Readonly<Record<WebServerName, string>> = {
  nginx: 'nginx.conf',
  apache: 'apache.conf',
  lighttpd: 'lighttpd.conf',
  caddy: 'Caddyfile',
};

export interface WebServer {
  /** ends in a slash */
  readonly url: string;
  readonly close: () => Promise<void>;
}

/** The change that the snippet's comment describes for a site with a soil-server. */
const withSoilServer: Readonly<Record<WebServerName, (text: string) => string>> = {
  nginx: (text) => text.replace(/(\\\.wwz\/ \{\n\s*)return 404;/, '$1proxy_pass http://127.0.0.1:8080;'),
  apache: (text) =>
    text.replace('# ProxyPassMatch', 'ProxyPassMatch').replace('RedirectMatch 404 "\\.wwz/"', ''),
  lighttpd: (text) =>
    text
      .replace('# proxy.server', 'proxy.server')
      .replace(/(8080\)\)\)\n\s*)url\.access-deny = \(""\)/, '$1'),
  caddy: (text) => text.replace(/(handle @entry \{\n\s*)respond 404/, '$1reverse_proxy 127.0.0.1:8080'),
};

interface Start {
  readonly site: string;
  /** URL of a soil-server on the same site; without one, entries of a wwz are not served */
  readonly soilServer?: string;
}

/** Starts a server with the snippet, changed as its comments say. */
export async function startWebServer(name: WebServerName, { site, soilServer }: Start): Promise<WebServer> {
  const snippet = await readFile(join(repoRoot, 'shims', 'web-servers', snippetFiles[name]), 'utf8');
  const filled = snippet.replaceAll('@SITE@', site);
  if (soilServer === undefined) return startConfigured(name, filled);
  return startConfigured(name, replacePort(soilServer, withSoilServer[name](filled)), { isProxy: true });
}

/** Replaces the default port 8080 by that of the soil-server. */
export const replacePort = (soilServer: string, text: string): string =>
  text
    .replaceAll('127.0.0.1:8080', new URL(soilServer).host)
    .replaceAll('"port" => 8080', `"port" => ${new URL(soilServer).port}`);

/** Starts a server with this text in a minimal configuration, on loopback, as this user. */
export async function startConfigured(
  name: WebServerName,
  text: string,
  { isProxy = false }: { readonly isProxy?: boolean } = {},
): Promise<WebServer> {
  const folder = await mkdtemp(join(tmpdir(), `soil-${name}-`));
  const port = await freePort();
  const { program, args, config } = programs[name]({ text, port, folder, isProxy });
  await writeFile(join(folder, 'main.conf'), config);
  const child = spawn(program, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
  });
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const ended = once(child, 'exit');
  ended.catch(() => undefined);
  const url = `http://127.0.0.1:${port}/`;
  const close = async (): Promise<void> => {
    child.kill('SIGTERM');
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  for (const deadline = Date.now() + 30_000; ;) {
    const isUp = await fetch(new URL('index.html', url)).then(
      () => true,
      () => false,
    );
    if (isUp) return { url, close };
    if (child.exitCode !== null || Date.now() > deadline) {
      const errors = await readFile(join(folder, 'error.log'), 'utf8').catch(() => '');
      await close();
      throw new Error(`${name} does not respond\n${log}${errors}`);
    }
    await setTimeout(50);
  }
}

interface Parts {
  readonly text: string;
  readonly port: number;
  readonly folder: string;
  readonly isProxy: boolean;
}

interface Program {
  readonly program: string;
  readonly args: readonly string[];
  /** content of `main.conf` in the folder */
  readonly config: string;
}

const programs: Readonly<Record<WebServerName, (parts: Parts) => Program>> = {
  nginx: ({ text, port, folder }) => ({
    program: '/usr/sbin/nginx',
    args: ['-c', join(folder, 'main.conf'), '-p', folder, '-e', join(folder, 'error.log')],
    config:
      `daemon off; pid ${folder}/pid; ${process.getuid?.() === 0 ? 'user root;' : ''}\nevents {}\nhttp {\naccess_log off;\n` +
      `client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi;\n` +
      `uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;\n` +
      `${text.replace('listen 80', `listen 127.0.0.1:${port}`)}\n}\n`,
  }),
  apache: ({ text, port, folder, isProxy }) => ({
    program: '/usr/sbin/apache2',
    args: ['-f', join(folder, 'main.conf'), '-D', 'FOREGROUND'],
    config:
      `ServerRoot /usr/lib/apache2\nServerName localhost\nPidFile ${folder}/pid\nErrorLog ${folder}/error.log\n` +
      `Mutex file:${folder}\n` +
      [
        'mpm_event',
        'authz_core',
        'dir',
        'mime',
        'alias',
        'headers',
        ...(isProxy ? ['proxy', 'proxy_http'] : []),
      ]
        .map((module) => `LoadModule ${module}_module modules/mod_${module}.so\n`)
        .join('') +
      `TypesConfig /etc/mime.types\nListen 127.0.0.1:${port}\n${text.replace('*:80', `127.0.0.1:${port}`)}`,
  }),
  lighttpd: ({ text, port, folder, isProxy }) => ({
    program: '/usr/sbin/lighttpd',
    args: ['-D', '-f', join(folder, 'main.conf')],
    config:
      `server.port = ${port}\nserver.bind = "127.0.0.1"\n` +
      `${isProxy ? 'server.modules += ("mod_proxy")\n' : ''}${text}`,
  }),
  caddy: ({ text, port, folder }) => ({
    program: '/usr/bin/caddy',
    args: ['run', '--config', join(folder, 'main.conf'), '--adapter', 'caddyfile'],
    config:
      `{\n\tadmin off\n\tauto_https off\n\tdefault_bind 127.0.0.1\n}\n` +
      text.replace('\n:80 {', `\nhttp://:${port} {`),
  }),
};
