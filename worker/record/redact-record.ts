/** Masks secrets in what a job says of itself: its record, its rows and what it reports. Names that address it stay. Pure. */
import type { JobRecord } from '../../model/record.js';
import type { TaskRow } from '../../model/row.js';
import { quote, refuse, type Result } from '../../model/result.js';
import type { JobDeclaration } from '../config/job-declaration.js';
import type { Redactor } from '../redact/redactor.js';
import type { Progress } from './progress.js';

export function redactRecord(record: JobRecord, mask: Redactor): JobRecord {
  const { commitLine, branch, jobUrl, workflow, ref, event, pullRequest, reason, image, machine } = record;
  const some = <K extends keyof JobRecord>(key: K, value: JobRecord[K] | undefined) =>
    value === undefined ? {} : { [key]: typeof value === 'string' ? mask.text(value) : value };
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
      : { pullRequest: { ...pullRequest, headRef: mask.text(pullRequest.headRef) } }),
    ...(image === undefined
      ? {}
      : {
          image: {
            ...image,
            layers: image.layers.map((layer) => ({ ...layer, command: mask.text(layer.command) })),
          },
        }),
    ...(machine === undefined ? {} : { machine: { ...machine, name: mask.text(machine.name) } }),
    tasks: record.tasks.map((task) => ({ ...task, run: mask.text(task.run) })),
  };
}

export const redactRow = (row: TaskRow, mask: Redactor): TaskRow => ({
  ...row,
  script: mask.text(row.script),
  action: mask.text(row.action),
});

export function redactProgress(progress: Progress, mask: Redactor): Progress {
  switch (progress.kind) {
    case 'task-done':
      return { ...progress, row: redactRow(progress.row, mask) };
    case 'notice':
      return { ...progress, text: mask.text(progress.text) };
    case 'done':
      return progress.reason === undefined ? progress : { ...progress, reason: mask.text(progress.reason) };
    case 'start':
    case 'pull-begin':
    case 'pull-done':
    case 'task-begin':
    case 'task-skipped':
    case 'archive':
      return progress;
  }
}

/** A name that gave a secret away could not be masked: it is an address. */
export function checkNames(job: JobDeclaration, mask: Redactor): Result<undefined> {
  for (const name of [job.name, ...job.tasks.map((task) => task.name)]) {
    if (mask.text(name) !== name) {
      return refuse(
        `cannot run job ${quote(mask.text(job.name))}: the name of it or of a task holds a secret`,
      );
    }
  }
  return { ok: true, value: undefined };
}
