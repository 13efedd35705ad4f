/** Opens a shell, or runs one command, in a copy of the repo on another machine. */
import { accept, refuse, type Result } from '../../model/result.js';
import { outFolderName } from '../state/out-path.js';
import { writeScript, type JobFolder } from '../state/job-folder.js';
import { RemoteFolders } from '../host/remote-folders.js';
import { sshEnvironment, SshHost } from '../host/ssh-host.js';
import { stopProcesses } from '../host/stop-processes.js';
import { startSupervisor } from '../host/supervisor.js';
import { createCookie } from '../host/task-cookie.js';
import { StreamOutput } from '../output/stream-output.js';
import type { HostOptions } from '../engine/prepare-image.js';

export interface RemoteShellOptions {
  readonly destination: string;
  readonly folder: JobFolder;
  /** Returns the script, for the path of the control folder. */
  readonly script: (control: string) => string;
  readonly flags: readonly string[];
  readonly isOnTerminal: boolean;
  /** runs ssh on this process's own terminal or pipes; returns its exit status */
  readonly attach: (
    args: readonly string[],
    environment: Readonly<Record<string, string | undefined>>,
  ) => Promise<number>;
}

const scriptNumber = 0;
const closeSeconds = 10;

/** Returns the exit status of the shell, or why the machine cannot be used. Removes the copy of the repo afterwards. */
export async function runRemoteShell(
  { repo, environment, cancel, report }: HostOptions,
  { destination, folder, script, flags, isOnTerminal, attach }: RemoteShellOptions,
): Promise<Result<number>> {
  const host = new SshHost({
    ...{ destination, repo, environment, cancel, control: folder.control, scratch: folder.remoteFiles },
    isExcluded: (path) => `${path}/`.startsWith(`${outFolderName}/`),
    ...{ cookie: createCookie(), isIsolated: false, hasResults: false, output: new StreamOutput() },
    folders: new RemoteFolders(folder.remoteFiles, destination),
    report: (text) => {
      report({ kind: 'notice', text });
    },
  });
  const instance = host.make(1);
  const supervisor = await startSupervisor(instance.main);
  if ('kind' in supervisor) {
    await instance.remove(false);
    return refuse(`cannot start ${instance.name}: ${supervisor.reason}`);
  }
  try {
    instance.attach?.(supervisor);
    await writeScript(folder, scriptNumber, script(host.control));
    const args = await host.shellArguments(scriptNumber, { flags, isOnTerminal });
    return accept(await attach(args, sshEnvironment(environment)));
  } finally {
    const left = await stopProcesses(supervisor, 'job', { seconds: 0 });
    if (left.kind !== 'unknown') await instance.finish?.();
    await supervisor.quit(closeSeconds);
    await supervisor.close(closeSeconds);
    await instance.remove(false);
  }
}
