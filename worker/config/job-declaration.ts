/** What soil.yml declares: a project, its jobs and its merge rule. Plain data; worker/config.ts makes it. */
import type { JobName } from '../../model/name.js';
import type { TaskDeclaration } from '../../model/task.js';

/** When an image is pulled, and how patiently. */
export interface PullRule {
  readonly pull: 'missing' | 'always' | 'never';
  /** further tries where the registry is out of reach; absent: 2 */
  readonly pullRetries?: number;
  /** for all tries together; absent: 30 minutes */
  readonly pullTimeoutSeconds?: number;
}

/** Where a job's tasks run: on the raw machine, or in a container of an image that is found, loaded or built first. */
export type ImageSource =
  | { readonly kind: 'none' }
  | ({ readonly kind: 'named'; readonly name: string } & PullRule)
  /** a tar as `docker save` writes it, a folder in the OCI image layout, or a root file system */
  | { readonly kind: 'file'; readonly form: 'docker-archive' | 'oci' | 'rootfs'; readonly path: string }
  /** file and context are paths below the repo's root */
  | {
      readonly kind: 'build';
      readonly file: string;
      readonly context: string;
      readonly timeoutSeconds: number;
      /** handed to `podman build` or `docker build` as they are */
      readonly flags: readonly string[];
    };

export interface JobDeclaration {
  readonly name: JobName;
  readonly image: ImageSource;
  /** in the order they run; empty where `tasksFrom` lists them */
  readonly tasks: readonly TaskDeclaration[];
  /** a command of the repo that prints the four columns; it runs where the tasks run */
  readonly tasksFrom?: string;
  /** files of the repo that are published for the commit */
  readonly artifacts: readonly string[];
  /** jobs of the same run that must have passed before */
  readonly needs: readonly JobName[];
  /** for each task that names no other; 3600 unless set */
  readonly timeoutSeconds: number;
  /** between TERM and KILL; 10 unless set */
  readonly graceSeconds: number;
  readonly environment: Readonly<Record<string, string>>;
  /** the engine's word for `--network`; absent: the engine's default */
  readonly network?: string;
  /** the engine's word for `--user`; absent: the image's own */
  readonly user?: string;
  /** handed to `podman run` or `docker run` as they are, before the image */
  readonly engineFlags: readonly string[];
  /** after a failed task the rest is skipped */
  readonly stopOnFailure: boolean;
  /** how many tasks may run at once; absent: one */
  readonly parallel?: number;
  /** where tasks run that name no other folder; absent: the repo's root */
  readonly workingFolder?: string;
  /** tasks run on a terminal unless they say otherwise */
  readonly tty?: boolean;
  /** tasks may trace each other, as debuggers and sanitizers do */
  readonly ptrace?: boolean;
  /** how many processes the container may have at once */
  readonly pidsLimit?: number;
  /** variables of the worker's environment that tasks get, and whose values nobody may read afterwards */
  readonly secrets?: readonly string[];
}

export interface MergeRule {
  /** the branch whose commits may be merged */
  readonly from: string;
  /** the branch that is moved */
  readonly to: string;
  readonly require: readonly JobName[] | 'all';
}

export interface ProjectConfig {
  readonly project: string;
  readonly jobs: readonly JobDeclaration[];
  readonly merge?: MergeRule;
}
