/** Connects to a host over SSH. */
import { NodeSSH } from 'node-ssh';
import { accept, refuse, type Result } from '../model/result.js';
import { algorithmsFor, hostEntryName, checkKey, knownKeyTypes, type KeyVerdict } from './known-hosts.js';
import { RemoteFiles } from './remote-files.js';
import type { SshTarget } from './ssh-target.js';

export interface SshHost {
  readonly files: RemoteFiles;
  /** Runs a line of shell on the host. Does not throw if the line fails. */
  readonly execute: (line: string) => Promise<RemoteEnd>;
}

export interface RemoteEnd {
  /** null if a signal ended it */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const connectSeconds = 20;
const totalSeconds = 30 * 60;

/** Returns `USER@HOST:DIR`, for messages. */
export const formatTarget = ({ user, host, folder }: SshTarget): string => `${user}@${host}:${folder}`;

/**
 * Connects, calls `work` and disconnects. An error that `work` throws becomes the reason of a refusal. Disconnects after
 * half an hour, and when `cancel` is aborted.
 */
export async function withSsh<T>(
  target: SshTarget,
  work: (host: SshHost) => Promise<T>,
  cancel?: AbortSignal,
): Promise<Result<T>> {
  const ssh = new NodeSSH();
  const seen: { verdict?: KeyVerdict } = {};
  const timer = setTimeout(() => {
    ssh.dispose();
  }, totalSeconds * 1000);
  let cancelled: () => void = () => undefined;
  const ended = new Promise<never>((_, reject) => {
    cancelled = () => {
      reject(new Error('cancelled'));
    };
  });
  ended.catch(() => undefined);
  cancel?.addEventListener('abort', cancelled);
  const run = async (): Promise<T> => {
    await connect(ssh, target, (verdict) => (seen.verdict = verdict));
    const files = new RemoteFiles(await ssh.requestSFTP());
    const execute = async (line: string): Promise<RemoteEnd> => {
      const { code, stdout, stderr } = await ssh.execCommand(line);
      return { status: code, stdout, stderr };
    };
    return work({ files, execute });
  };
  try {
    const running = run();
    running.catch(() => undefined); // after a cancellation, errors no longer matter
    return accept(await Promise.race([running, ended]));
  } catch (error) {
    return refuse(describeFailure(seen.verdict, error as Error));
  } finally {
    clearTimeout(timer);
    cancel?.removeEventListener('abort', cancelled);
    ssh.dispose();
  }
}

async function connect(
  ssh: NodeSSH,
  target: SshTarget,
  report: (verdict: KeyVerdict) => void,
): Promise<void> {
  const { user, host, port, login, knownHosts } = target;
  const name = hostEntryName(host, port);
  const types = algorithmsFor(knownKeyTypes(knownHosts, name));
  await ssh.connect({
    ...{ host, port, username: user, ...login },
    readyTimeout: connectSeconds * 1000,
    ...{ keepaliveInterval: 10_000, keepaliveCountMax: 3 },
    // A host with several keys must present a known one, or it would look like an impostor.
    algorithms: { serverHostKey: types as never },
    hostVerifier: (key: Buffer) => {
      const verdict = checkKey(knownHosts, name, key);
      report(verdict);
      return verdict === 'known';
    },
  });
}

function describeFailure(verdict: KeyVerdict | undefined, error: Error): string {
  switch (verdict) {
    case 'changed':
      return "the host's key differs from the one in known_hosts: it may be another machine";
    case 'revoked':
      return "the host's key is marked as revoked in known_hosts";
    case 'unknown':
      return "the host's key is not in known_hosts";
    case 'known':
    case undefined:
      return error.message;
  }
}
