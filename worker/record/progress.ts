/** What a running job tells whoever listens: the terminal, and the server's events. Plain data. */
import type { FinishedOutcome } from '../../model/outcome.js';
import type { JobRecord } from '../../model/record.js';
import type { TaskRow } from '../../model/row.js';
import type { TaskName } from '../../model/name.js';
import type { JobDeclaration } from '../config/job-declaration.js';
import type { Secret } from '../redact/secret-pattern.js';

/** How an image comes to the engine. */
export type ImageMethod = 'pull' | 'load' | 'build';

export type Progress =
  | { readonly kind: 'start'; readonly tasks: number }
  | { readonly kind: 'pull-begin'; readonly image: string; readonly way: ImageMethod }
  | {
      readonly kind: 'pull-done';
      readonly image: string;
      readonly seconds: number;
      readonly way: ImageMethod;
    }
  | { readonly kind: 'task-begin'; readonly task: TaskName; readonly index: number; readonly of: number }
  | { readonly kind: 'task-done'; readonly row: TaskRow; readonly logFile: string }
  | { readonly kind: 'task-skipped'; readonly task: TaskName; readonly reason: string }
  | { readonly kind: 'archive'; readonly files: number; readonly bytes: number }
  | { readonly kind: 'notice'; readonly text: string }
  | {
      readonly kind: 'done';
      readonly outcome: FinishedOutcome;
      readonly status: number;
      readonly reason?: string;
    };

/** The three files of a finished job, as absolute paths. */
export interface JobFiles {
  readonly json: string;
  readonly tsv: string;
  readonly wwz: string;
}

export interface RunJobOptions {
  readonly job: JobDeclaration;
  /** absolute path of the repo's root */
  readonly repo: string;
  /** absolute path of the folder that gets the three files and the logs; made anew */
  readonly out: string;
  /** who ran what: host, run, attempt, commit and the like; runJob adds what it finds out itself */
  readonly origin: Omit<
    JobRecord,
    'schema' | 'tasks' | 'outcome' | 'status' | 'reason' | 'image' | 'machine'
  >;
  /** absent: podman where it is there, else docker */
  readonly engine?: 'podman' | 'docker';
  /** the environment of the engine's client, and of raw tasks less what `withheld` names */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** names of variables that no task may see: tokens */
  readonly hiddenVariables: readonly string[];
  readonly report: (progress: Progress) => void;
  /** aborted by SIGINT or SIGTERM: the running task's tree is ended and the rest is cancelled */
  readonly cancel: AbortSignal;
  /** their values are handed to the tasks, and redacted in all that the job leaves */
  readonly secrets?: readonly Secret[];
  /** aborted by a second signal: no grace any more */
  readonly forceCancel?: AbortSignal;
}

/** A finished job. Whatever happened, there is one: an infrastructure failure is an outcome, not an exception. */
export interface FinishedJob {
  readonly outcome: FinishedOutcome;
  /** 0 to 255: the exit status of `soil-worker run` */
  readonly status: number;
  readonly record: JobRecord;
  readonly rows: readonly TaskRow[];
  readonly files: JobFiles;
}
