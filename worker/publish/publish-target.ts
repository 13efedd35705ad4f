/** Chooses where to publish: a server with its token, or the folder of a site over SSH. */
import { accept, type Result } from '../../model/result.js';
import { formatShellWord } from '../../model/shell-word.js';
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
  readonly out?: string;
  /** how long to retry an unreachable server, as a duration */
  readonly publishLimit?: string;
  /** USER@HOST:DIR */
  readonly ssh?: string;
  readonly sshPort?: string;
  readonly sshKey?: string;
  readonly knownHosts?: string;
  /** false: do not rebuild the pages on the SSH host */
  readonly rebuild?: boolean;
}

export type PublishTarget =
  | { readonly kind: 'server'; readonly service: SoilService }
  | { readonly kind: 'ssh'; readonly ssh: SshTarget; readonly pages: RemotePages };

/** Whether to rebuild the pages on the SSH host; `deploy` is the command that rebuilds them from this machine. */
export interface RemotePages {
  readonly isRebuilt: boolean;
  readonly deploy: string;
}

/** Plans the target from options and environment. Fails with the first mistake in them. */
export async function planTarget(
  options: PublishOptions,
  context: CommandContext,
): Promise<Result<PublishTarget>> {
  if (options.ssh !== undefined) {
    const { planSshTarget } = await import('../../ssh/ssh-target.js');
    const ssh = await planSshTarget({ ...options, ssh: options.ssh }, context);
    const pages = { isRebuilt: options.rebuild !== false, deploy: formatDeployCommand(options.ssh, options) };
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
      context.status(bytes < of ? `uploaded ${Math.floor((100 * bytes) / of)} % of ${of} bytes` : '');
    },
    ...(token.value !== undefined && { token: token.value }),
  };
  return accept({ kind: 'server', service });
}

function formatDeployCommand(address: string, { sshPort, sshKey, knownHosts }: PublishOptions): string {
  const given = { 'ssh-port': sshPort, 'ssh-key': sshKey, 'known-hosts': knownHosts };
  const flags = Object.entries(given).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, value],
  );
  return ['soil-server', 'deploy', address, ...flags].map(formatShellWord).join(' ');
}
