/** Options and the environment -> where results go: a server with its token, or a folder over SSH. */
import { accept, type Result } from '../../model/result.js';
import { pasted } from '../../model/shell-word.js';
import type { CommandContext } from '../system/command-context.js';
import { parseDuration } from '../../model/duration.js';
import { readCredential } from '../system/credentials.js';
import { resolveServer } from '../client/server-url.js';
import {
  defaultLimitSeconds,
  defaultBackoff,
  planIdleSeconds,
  type SoilService,
} from '../client/soil-server.js';
import type { SshTarget } from '../../ssh/ssh-target.js';

export interface PublishOptions {
  readonly server?: string;
  readonly tokenFile?: string;
  readonly config?: string;
  /** the same file as a later `publish` finds it, where it is another one */
  readonly laterConfig?: string;
  readonly out?: string;
  /** how long a server that does not answer is tried again */
  readonly publishLimit?: string;
  /** USER@HOST:DIR */
  readonly ssh?: string;
  readonly sshPort?: string;
  readonly sshKey?: string;
  readonly knownHosts?: string;
  /** false: the pages of a folder over SSH stay as they are */
  readonly rebuild?: boolean;
}

export type PublishTarget =
  | { readonly kind: 'server'; readonly service: SoilService }
  | { readonly kind: 'ssh'; readonly ssh: SshTarget; readonly pages: RemotePages };

/** What becomes of the pages there: `deploy` is the command that makes them from here. */
export interface RemotePages {
  readonly isRebuilt: boolean;
  readonly deploy: string;
}

/** Where results go; everything that can be wrong with it is told before the job begins. */
export async function planTarget(
  options: PublishOptions,
  context: CommandContext,
): Promise<Result<PublishTarget>> {
  if (options.ssh !== undefined) {
    const { planSshTarget } = await import('../../ssh/ssh-target.js');
    const ssh = await planSshTarget({ ...options, ssh: options.ssh }, context);
    const pages = { isRebuilt: options.rebuild !== false, deploy: deployCommand(options.ssh, options) };
    return ssh.ok ? accept({ kind: 'ssh', ssh: ssh.value, pages }) : ssh;
  }
  const { SOIL_TOKEN } = context.environment;
  const url = resolveServer(options.server, context.environment);
  if (!url.ok) return url;
  const token = await readCredential({
    ...{ variable: 'SOIL_TOKEN', value: SOIL_TOKEN },
    ...(options.tokenFile !== undefined && { file: options.tokenFile }),
  });
  if (!token.ok) return token;
  const limit =
    options.publishLimit === undefined
      ? accept(defaultLimitSeconds)
      : parseDuration(options.publishLimit, '--publish-limit');
  if (!limit.ok) return limit;
  const retries = {
    ...defaultBackoff,
    ...{ limitSeconds: limit.value, cancel: context.cancel },
    notice: (text: string) => {
      context.warn(`notice: ${text}`);
    },
  };
  const service = {
    ...{ url: url.value, retries, idleSeconds: planIdleSeconds(limit.value) },
    ...(context.forceCancel !== undefined && { forceCancel: context.forceCancel }),
    progress: (bytes: number, of: number) => {
      context.status(bytes < of ? `sent ${Math.floor((100 * bytes) / of)} % of ${of} bytes` : '');
    },
    ...(token.value !== undefined && { token: token.value }),
  };
  return accept({ kind: 'server', service });
}

function deployCommand(address: string, { sshPort, sshKey, knownHosts }: PublishOptions): string {
  const given = { 'ssh-port': sshPort, 'ssh-key': sshKey, 'known-hosts': knownHosts };
  const words = Object.entries(given).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, value],
  );
  return ['soil-server', 'deploy', address, ...words].map(pasted).join(' ');
}
