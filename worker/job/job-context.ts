/** The data that plan, execute and publish pass to each other for one job. Plain data. */
import type { ImageProbe } from '../engine/probe-image.js';
import type { CommitHash, JobName } from '../../model/name.js';
import type { JobRecord } from '../../model/record.js';
import type { JobIdentity } from '../../model/run.js';
import type { JobDeclaration } from '../config/job-declaration.js';
import type { PublishTarget } from '../publish/publish-target.js';
import type { FinishedJob } from '../record/progress.js';
import type { JobFiles } from '../state/job-folder.js';
import type { JobOrigin } from '../record/run-identity.js';
import type { Secret } from '../redact/secret-pattern.js';
import type { OutFolder } from '../state/out-folder.js';
import type { StoredArtifact } from '../state/stored-artifacts.js';
import type { CommandContext } from '../system/command-context.js';

/** One job of a command, whether it is about to run or ran earlier. */
export interface JobContext {
  readonly command: CommandContext;
  /** absolute path of the repo's root */
  readonly repo: string;
  readonly job: JobName;
  /** determines the addresses of the job's files and pages */
  readonly identity: JobIdentity;
  readonly commit?: CommitHash;
  /** absolute path of the copy of the job's files, which is for the user */
  readonly out: string;
  /** absolute path of the job's folder in the worker's state, see job-folder.ts */
  readonly folder: string;
  /** where to publish; absent: nowhere */
  readonly target?: PublishTarget;
}

/** A job that is ready to run. */
export interface PlannedJob extends JobContext {
  /** absolute path of the worker's state */
  readonly state: string;
  readonly declaration: JobDeclaration;
  readonly origin: JobOrigin;
  /** absent: the job declares none, or none has a value in this environment */
  readonly secrets?: readonly Secret[];
  /** default: podman if it is installed, else docker */
  readonly engine?: 'podman' | 'docker';
  /** what the engine says about the job's image */
  readonly probe: Promise<ImageProbe | undefined>;
  /** why the job must not start: a job that it needs did not pass; one clause */
  readonly skip?: string;
  /** writes the copy of the job's files */
  readonly copy: OutFolder;
  /** whether the copy has the artifacts, since the repo is removed after the job */
  readonly copiesArtifacts: boolean;
  /** releases the lock of the job's files, and the output folder */
  readonly release: () => Promise<void>;
  /** first remove the untracked files that earlier jobs left in the repo */
  readonly clean: boolean;
}

/** A job that ran earlier, as its files describe it. */
export interface StoredJob extends JobContext {
  readonly record: JobRecord;
  readonly files: JobFiles;
}

/** A job whose three files are written. */
export interface JobResults extends FinishedJob {
  /** the paths of the copies of the three files */
  readonly copies: JobFiles;
  /** the last lines of the failed tasks' logs, by task */
  readonly tails: ReadonlyMap<string, string>;
  /** the files to publish for the commit */
  readonly artifacts: readonly StoredArtifact[];
}
