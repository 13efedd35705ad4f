/** The options and the result of a job, and the progress that it reports to the terminal and the server. Plain data. */
import type { FinishedOutcome } from '../../model/outcome.js';
import type { JobRecord } from '../../model/record.js';
import type { TaskRow } from '../../model/row.js';
import type { TaskName } from '../../model/name.js';
import type { JobDeclaration } from '../config/job-declaration.js';
import type { Secret } from '../redact/secret-pattern.js';
import type { JobFiles } from '../state/job-folder.js';

/** How an image was made available to the engine. */
export type ImageMethod = 'pull' | 'load' | 'build';

export type Progress =
  | { readonly kind: 'start'; readonly tasks: number }
  | { readonly kind: 'pull-begin'; readonly image: string; readonly method: ImageMethod }
  | {
      readonly kind: 'pull-done';
      readonly image: string;
      readonly seconds: number;
      readonly method: ImageMethod;
    }
  | { readonly kind: 'task-begin'; readonly task: TaskName; readonly index: number; readonly of: number }
  | {
      readonly kind: 'task-done';
      readonly row: TaskRow;
      readonly logFile: string;
      /** one clause */ readonly note?: string;
    }
  | { readonly kind: 'task-skipped'; readonly task: TaskName; readonly reason: string }
  | { readonly kind: 'archive'; readonly files: number; readonly bytes: number }
  | { readonly kind: 'notice'; readonly text: string }
  | {
      readonly kind: 'done';
      readonly outcome: FinishedOutcome;
      readonly status: number;
      readonly reason?: string;
    };

export interface RunJobOptions {
  readonly job: JobDeclaration;
  /** the absolute path of the root of the repo */
  readonly repo: string;
  /** the worker's state, which remembers what was left on other machines; default: `out` */
  readonly state?: string;
  /** the absolute path of the job's folder in the worker's state, for the three files and the logs; it is recreated */
  readonly out: string;
  /** folders of the repo with files of Soil, relative to its root: they are never results */
  readonly ownFolders: readonly string[];
  /** the fields of the record that are known before the job runs: host, run, attempt, commit and others */
  readonly origin: Omit<
    JobRecord,
    'schema' | 'tasks' | 'outcome' | 'status' | 'reason' | 'image' | 'machine'
  >;
  /** default: podman when it is installed, else docker */
  readonly engine?: 'podman' | 'docker';
  /** the environment of the worker's own programs; raw tasks and the engine's client get it without hidden variables */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** the PATH of tasks on the raw machine */
  readonly userPath: string | undefined;
  readonly report: (progress: Progress) => void;
  /** aborted by the first SIGINT or SIGTERM: ends the running tasks' process trees and cancels the rest */
  readonly cancel: AbortSignal;
  /** passed to the tasks, and redacted in everything that the job publishes */
  readonly secrets?: readonly Secret[];
  /** why the job must not start: a job that it needs did not pass; one clause */
  readonly skip?: string;
  /** aborted by the second signal: the grace period ends immediately */
  readonly forceCancel?: AbortSignal;
}

/** A finished job. An infrastructure failure is an outcome too, not an exception. */
export interface FinishedJob {
  readonly outcome: FinishedOutcome;
  /** 0 to 255: the exit status of `soil-worker run` */
  readonly status: number;
  readonly record: JobRecord;
  readonly rows: readonly TaskRow[];
  readonly files: JobFiles;
  /** the folder with the artifacts, if they are not in the repo; the caller removes it */
  readonly fetched?: string;
}
