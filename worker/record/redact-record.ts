/** Masks secrets in what a job says of itself: its record, its rows and what it reports. Names that address it stay. Pure. */
import type { JobRecord } from '../../model/record.js';
import type { TaskRow } from '../../model/row.js';
import { quote, refuse, type Result } from '../../model/result.js';
import type { JobDeclaration } from '../config/job-declaration.js';
import type { Redactor } from '../redact/redactor.js';
import type { Progress } from './progress.js';

export function redactRecord(record: JobRecord, redactor: Redactor): JobRecord {
  const { commitLine, branch, jobUrl, workflow, ref, event, pullRequest, reason, image, machine } = record;
  const some = <K extends keyof JobRecord>(key: K, value: JobRecord[K] | undefined) =>
    value === undefined ? {} : { [key]: typeof value === 'string' ? redactor.redact(value) : value };
  return {
    ...record,
    ...some('commitLine', commitLine),
    ...some('branch', branch),
    ...some('jobUrl', jobUrl),
    ...some('workflow', workflow),
    ...some('ref', ref),
    ...some('event', event),
    ...some('reason', reason),
    ...(pullRequest?.headRef === undefined
      ? {}
      : { pullRequest: { ...pullRequest, headRef: redactor.redact(pullRequest.headRef) } }),
    ...(image === undefined
      ? {}
      : {
          image: {
            ...image,
            layers: image.layers.map((layer) => ({ ...layer, command: redactor.redact(layer.command) })),
          },
        }),
    ...(machine === undefined ? {} : { machine: { ...machine, name: redactor.redact(machine.name) } }),
    tasks: record.tasks.map((task) => ({ ...task, run: redactor.redact(task.run) })),
  };
}

export const redactRow = (row: TaskRow, redactor: Redactor): TaskRow => ({
  ...row,
  script: redactor.redact(row.script),
  action: redactor.redact(row.action),
});

export function redactProgress(progress: Progress, redactor: Redactor): Progress {
  switch (progress.kind) {
    case 'task-done':
      return { ...progress, row: redactRow(progress.row, redactor) };
    case 'notice':
      return { ...progress, text: redactor.redact(progress.text) };
    case 'done':
      return progress.reason === undefined
        ? progress
        : { ...progress, reason: redactor.redact(progress.reason) };
    case 'start':
    case 'pull-begin':
    case 'pull-done':
    case 'task-begin':
    case 'task-skipped':
    case 'archive':
      return progress;
  }
}

/** A name that gave a secret away could not be redacted: it is an address. */
export function refuseSecretNames(job: JobDeclaration, redactor: Redactor): Result<undefined> {
  for (const name of [job.name, ...job.tasks.map((task) => task.name)]) {
    if (redactor.redact(name) !== name) {
      return refuse(
        `cannot run job ${quote(redactor.redact(job.name))}: the name of it or of a task holds a secret`,
      );
    }
  }
  return { ok: true, value: undefined };
}
