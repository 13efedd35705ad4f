/** `soil-worker shell JOB`: a shell, or one command, in the place where the job's tasks would run; its exit status. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { quote } from '../../model/result.js';
import { exitStatus } from '../../command/command-context.js';
import type { CommandContext } from '../system/command-context.js';
import { containerControl, containerFlags } from '../runner/container-host.js';
import { removeContainer } from '../engine/remove-container.js';
import { chooseJob, type JobChoice } from '../config/load-job.js';
import { createJobFolder, writeScript, type JobFolder } from '../record/job-folder.js';
import { userFlagsOf } from '../runner/open-host.js';
import { formatProgress } from '../report/format-progress.js';
import {
  prepareImage,
  taskEnvironment,
  type HostOptions,
  type PreparedImage,
} from '../engine/prepare-image.js';
import { planJobSecrets } from './execute-job.js';
import { jobEnvironment } from '../runner/run-job.js';
import { credentialVariables } from '../system/credentials.js';
import { scriptOf } from '../runner/task-script.js';

export interface ShellOptions {
  readonly config?: string;
  readonly image?: string;
  readonly engine?: 'podman' | 'docker';
  /** run this instead of an interactive shell */
  readonly command?: string;
}

/** The status where the place for the shell could not be had: that of a job whose machinery failed. */
const noPlace = 125;

export async function shellCommand(
  name: string,
  options: ShellOptions,
  context: CommandContext,
): Promise<number> {
  if (options.command === undefined && !context.isInteractive) {
    context.warn(
      `cannot open a shell in job ${quote(name)}: stdin and stdout are no terminal; name a command with -c`,
    );
    return exitStatus.usage;
  }
  const choice = await chooseJob(name, options, context);
  if (!choice.ok) {
    context.warn(choice.error);
    return exitStatus.usage;
  }
  const secrets = planJobSecrets(choice.value.job, context);
  if (!secrets.ok) {
    context.warn(secrets.error);
    return exitStatus.usage;
  }
  const place: HostOptions = {
    ...{
      job: choice.value.job,
      repo: choice.value.repo,
      environment: context.environment,
      hiddenVariables: credentialVariables,
    },
    ...(options.engine !== undefined && { engine: options.engine }),
    ...secrets.value,
    cancel: context.cancel,
    report: (progress) => {
      // What the shell prints on stdout is the caller's alone.
      for (const line of formatProgress(progress, { color: false })) context.warn(line);
    },
  };
  const temporary = await mkdtemp(join(tmpdir(), 'soil-shell-'));
  try {
    const image = await prepareImage(choice.value.job.image, {
      ...place,
      buildLog: join(temporary, 'image-build.txt'),
    });
    if (!image.ok) {
      context.warn(image.error);
      return noPlace;
    }
    try {
      const folder = await createJobFolder(join(temporary, 'job'), choice.value.job.name);
      return await openShell(image.value, folder, { ...options, ...choice.value, place });
    } finally {
      await image.value?.release();
    }
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** The number of the script among the tasks' scripts, which are counted from 1. */
const scriptNumber = 0;

/** People want history and editing keys; the tasks' own shell is `/bin/sh` all the same. */
const interactiveShell =
  'if command -v bash >/dev/null 2>&1; then exec bash; fi; if [ -t 0 ]; then exec /bin/sh -i; fi; exec /bin/sh';

interface Opening extends ShellOptions, JobChoice {
  readonly place: HostOptions;
}

async function openShell(
  image: PreparedImage | undefined,
  folder: JobFolder,
  { command, repo, job, place }: Opening,
): Promise<number> {
  const control = image === undefined ? folder.control : containerControl;
  const run = command ?? interactiveShell;
  const environment = jobEnvironment(place, control);
  const own = job.workingFolder === undefined ? {} : { workingFolder: job.workingFolder };
  await writeScript(folder, scriptNumber, scriptOf({ environment: {}, run }, { environment, ...own }));
  // As the supervisor runs a task; an interactive shell must not end at its first failed command.
  const words = [...(command === undefined ? [] : ['-e']), `${control}/task/${scriptNumber}.sh`];
  if (image === undefined) {
    const end = (kill: () => void): Promise<void> => {
      kill();
      return Promise.resolve();
    };
    return runAttached('/bin/sh', words, {
      ...{ cwd: repo, environment: taskEnvironment(place), cancel: place.cancel, end },
    });
  }
  const name = `soil-${randomBytes(8).toString('hex')}`;
  const args = [
    ...['run', '--rm', '--interactive', '--name', name, '--pull', 'never'],
    ...(command === undefined ? ['--tty'] : []),
    ...containerFlags({ job, control: folder.control, repo, userFlags: userFlagsOf(place, image.engine) }),
    ...image.args,
    ...words,
  ];
  return runAttached(image.engine.program, args, {
    ...{ cwd: repo, environment: image.engine.environment, cancel: place.cancel },
    // Not the client: it has the terminal in its raw mode, and puts it back when its container ends.
    end: async () => {
      await removeContainer(image.engine, name);
    },
  });
}

interface Attachment {
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly cancel: AbortSignal;
  /** ends what runs; `kill` kills the process itself */
  readonly end: (kill: () => void) => Promise<void>;
}

/** Runs a program with this process's own terminal or pipes; 128 + n where signal n ended it. */
function runAttached(
  program: string,
  args: readonly string[],
  { cwd, environment, cancel, end }: Attachment,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env: { ...environment }, stdio: 'inherit' });
    const stop = (): void => {
      end(() => child.kill('SIGKILL')).catch(() => undefined);
    };
    cancel.addEventListener('abort', stop);
    // A terminal that was closed: whoever stays behind in a container would stay for ever.
    process.once('SIGHUP', stop);
    child.on('error', reject);
    child.on('close', (status) => {
      cancel.removeEventListener('abort', stop);
      process.removeListener('SIGHUP', stop);
      resolve(cancel.aborted ? 130 : (status ?? noPlace));
    });
  });
}
