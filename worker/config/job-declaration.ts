/** What soil.yml declares: a project, its jobs and its merge rule. Plain data. */
import type { JobName } from '../../model/name.js';
import type { TaskDeclaration } from '../../model/task.js';

/** When an image is pulled, and how often that is retried. */
export interface PullRule {
  readonly pull: 'missing' | 'always' | 'never';
  /** how often to retry if the registry is unreachable; absent: 2 */
  readonly pullRetries?: number;
  /** for all tries together; absent: 30 minutes */
  readonly pullTimeoutSeconds?: number;
}

/**
 * Where a job's tasks run: on the raw machine, on another machine over SSH, or in a container of an image that is pulled,
 * loaded or built first.
 */
export type ImageSource =
  | { readonly kind: 'none' }
  /** `USER@HOST`, or a name that the user's configuration of ssh knows */
  | { readonly kind: 'ssh'; readonly destination: string }
  | ({ readonly kind: 'named'; readonly name: string } & PullRule)
  /** a tar from `docker save`, a folder in the OCI image layout, or a root file system */
  | { readonly kind: 'file'; readonly form: 'docker-archive' | 'oci' | 'rootfs'; readonly path: string }
  /** file and context are paths below the root of the repository */
  | {
      readonly kind: 'build';
      readonly file: string;
      readonly context: string;
      readonly timeoutSeconds: number;
      /** passed to `podman build` or `docker build` unchanged */
      readonly flags: readonly string[];
    };

export interface JobDeclaration {
  readonly name: JobName;
  readonly image: ImageSource;
  /** in the order they run; empty if `tasksFrom` lists them */
  readonly tasks: readonly TaskDeclaration[];
  /** a command that prints a task list; it runs where the tasks run */
  readonly tasksFrom?: string;
  /** files of the repository to publish for the commit */
  readonly artifacts: readonly string[];
  /** jobs of the same run that must pass first */
  readonly needs: readonly JobName[];
  /** of each task without its own */
  readonly timeoutSeconds: number;
  /** between TERM and KILL */
  readonly graceSeconds: number;
  readonly environment: Readonly<Record<string, string>>;
  /** the value of the engine's `--network`; absent: the engine's default */
  readonly network?: string;
  /** the value of the engine's `--user`; absent: the image's user */
  readonly user?: string;
  /** passed to `podman run` or `docker run` unchanged, before the image */
  readonly engineFlags: readonly string[];
  /** skip the remaining tasks after a failed one */
  readonly stopOnFailure: boolean;
  /** how many tasks can run at the same time; absent: one */
  readonly parallel?: number;
  /** what a task left is ended before the next one begins */
  readonly isolate?: boolean;
  /** where tasks without their own folder run; absent: the root of the repository */
  readonly workingFolder?: string;
  /** tasks run on a terminal unless they say otherwise */
  readonly tty?: boolean;
  /** tasks can trace processes, as debuggers and sanitizers do */
  readonly ptrace?: boolean;
  /** how many processes the container can have at the same time */
  readonly pidsLimit?: number;
  /** tasks change the git repository itself, not a layer; absent: a layer */
  readonly git?: 'writable';
  /** variables of the worker's environment that tasks get, and whose values are redacted */
  readonly secrets?: readonly string[];
}

export interface MergeRule {
  /** the branch whose commits can be merged */
  readonly from: string;
  /** the branch to update */
  readonly to: string;
  readonly require: readonly JobName[] | 'all';
  /** only jobs whose tasks were isolated count; absent: all */
  readonly isolated?: 'require';
  /** jobs with uncommitted changes count; absent: they do not */
  readonly uncommitted?: 'allow';
}

export interface ProjectConfig {
  readonly project: string;
  readonly jobs: readonly JobDeclaration[];
  readonly merge?: MergeRule;
}
