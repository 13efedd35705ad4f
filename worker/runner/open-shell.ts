/** Opens a shell, or runs one command, where a job's tasks would run. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { accept, type Result } from '../../model/result.js';
import { prepareImage, type HostOptions, type PreparedImage } from '../engine/prepare-image.js';
import { removeContainer } from '../engine/engine.js';
import { createJobFolder, writeScript, type JobFolder } from '../state/job-folder.js';
import { containerControl, containerFlags } from '../host/container-host.js';
import { planUserFlags } from '../host/choose-host.js';
import { withoutHidden } from '../system/hidden-variables.js';
import { runRemoteShell } from './remote-shell.js';
import { jobEnvironment } from './run-job.js';
import { formatScript } from './task-script.js';

export interface ShellOptions extends HostOptions {
  /** run this by `sh -e` instead of an interactive shell */
  readonly command?: string;
}

/** Prepares the job's image and runs the shell. Returns its exit status, or why there is no image. */
export async function openShell(options: ShellOptions): Promise<Result<number>> {
  const { job } = options;
  const temporary = await mkdtemp(join(tmpdir(), 'soil-shell-'));
  try {
    const buildLog = join(temporary, 'image-build.txt');
    const image = await prepareImage(job.image, { ...options, buildLog });
    if (!image.ok) return image;
    try {
      const folder = await createJobFolder(join(temporary, 'job'), job.name);
      if (job.image.kind === 'ssh') return await openRemoteShell(job.image.destination, folder, options);
      return accept(await runShell(image.value, folder, options));
    } finally {
      await image.value?.release();
    }
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** Tasks have numbers from 1. */
const scriptNumber = 0;

/** Process 1 of a container would ignore `kill -9 $$`, so the shell is its child. */
const inContainer = `. ${containerControl}/home.sh; /bin/sh "$@"; exit $?`;

/** Interactive users want history and editing keys, so bash is preferred. Tasks always run in `/bin/sh`. */
const interactiveShell =
  'if command -v bash >/dev/null 2>&1; then exec bash; fi; if [ -t 0 ]; then exec /bin/sh -i; fi; exec /bin/sh';

/** Opens the shell on another machine. */
function openRemoteShell(
  destination: string,
  folder: JobFolder,
  options: ShellOptions,
): Promise<Result<number>> {
  const { command, job, repo, cancel } = options;
  const { workingFolder } = job;
  return runRemoteShell(options, {
    ...{ destination, folder, isOnTerminal: command === undefined },
    flags: command === undefined ? [] : ['-e'],
    script: (control) =>
      formatScript(
        { environment: {}, run: command ?? interactiveShell },
        {
          ...{ environment: jobEnvironment(options, control), isSupervised: false },
          ...(workingFolder !== undefined && { workingFolder }),
        },
      ),
    attach: (args, environment) =>
      runAttached('ssh', args, {
        ...{ cwd: repo, environment, cancel },
        end: (kill) => {
          kill();
          return Promise.resolve();
        },
      }),
  });
}

async function runShell(
  image: PreparedImage | undefined,
  folder: JobFolder,
  options: ShellOptions,
): Promise<number> {
  const { command, job, repo, cancel } = options;
  const control = image === undefined ? folder.control : containerControl;
  const run = command ?? interactiveShell;
  const environment = jobEnvironment(options, control);
  const { workingFolder } = job;
  const where = {
    environment,
    isSupervised: false,
    ...(workingFolder !== undefined && { workingFolder }),
  };
  await writeScript(folder, scriptNumber, formatScript({ environment: {}, run }, where));
  // A command stops at its first failure, as a task does; an interactive shell must not.
  const scriptArgs = [...(command === undefined ? [] : ['-e']), `${control}/task/${scriptNumber}.sh`];
  if (image === undefined) {
    return runAttached('/bin/sh', scriptArgs, {
      ...{ cwd: repo, environment: withoutHidden(options.environment), cancel },
      // In a group of its own, so that `kill 0` ends the command alone. A person's shell needs the terminal's group.
      isDetached: command !== undefined,
      end: (kill) => {
        kill();
        return Promise.resolve();
      },
    });
  }
  const name = `soil-${randomBytes(8).toString('hex')}`;
  const args = [
    ...['run', '--rm', '--interactive', '--name', name, '--pull', 'never'],
    ...(command === undefined ? ['--tty'] : []),
    ...containerFlags({
      job,
      control: folder.control,
      repo,
      userFlags: planUserFlags(options, image.engine),
    }),
    ...image.args,
    ...['-c', inContainer, 'sh', ...scriptArgs],
  ];
  return runAttached(image.engine.program, args, {
    ...{ cwd: repo, environment: image.engine.environment, cancel },
    // The engine's client is not killed: it has the terminal in raw mode, and restores it when the container exits.
    end: async () => {
      await removeContainer(image.engine, name);
    },
  });
}

interface Attachment {
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly cancel: AbortSignal;
  readonly isDetached?: boolean;
  /** ends the shell; `kill` kills the spawned process */
  readonly end: (kill: () => void) => Promise<void>;
}

/** Runs a program on this process's own terminal or pipes. Returns 130 if it was cancelled, 128 + n if signal n ended it. */
function runAttached(
  program: string,
  args: readonly string[],
  { cwd, environment, cancel, isDetached = false, end }: Attachment,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd,
      env: { ...environment },
      stdio: 'inherit',
      detached: isDetached,
    });
    const kill = (): void => {
      if (isDetached && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      else child.kill('SIGKILL');
    };
    const stop = (): void => {
      end(kill).catch(() => undefined);
    };
    cancel.addEventListener('abort', stop);
    child.on('error', reject);
    child.on('close', (status, signal) => {
      cancel.removeEventListener('abort', stop);
      resolve(cancel.aborted ? 130 : (status ?? 128 + (signal === null ? 0 : constants.signals[signal])));
    });
  });
}
