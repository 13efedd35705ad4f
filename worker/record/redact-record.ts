/** Redacts secrets in the record, the rows and the progress of a job, but not in names that are part of its address. Pure. */
import type { JobRecord } from '../../model/record.js';
import type { TaskRow } from '../../model/row.js';
import { quote, refuse, type Result } from '../../model/result.js';
import type { JobDeclaration } from '../config/job-declaration.js';
import type { Redactor } from '../redact/redactor.js';
import type { Progress } from './progress.js';

/** Redacts every field of a record that can contain text from outside Soil. */
export function redactRecord(record: JobRecord, redactor: Redactor): JobRecord {
  const { commitLine, branch, jobUrl, workflow, ref, event, pullRequest, reason, image, machine } = record;
  const { engineFlags, uncommitted } = record;
  const redactField = <K extends keyof JobRecord>(key: K, value: JobRecord[K] | undefined) =>
    value === undefined ? {} : { [key]: typeof value === 'string' ? redactor.redact(value) : value };
  return {
    ...record,
    ...redactField('commitLine', commitLine),
    ...redactField('branch', branch),
    ...redactField('jobUrl', jobUrl),
    ...redactField('workflow', workflow),
    ...redactField('ref', ref),
    ...redactField('event', event),
    ...redactField('reason', reason),
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
    ...(engineFlags === undefined ? {} : { engineFlags: engineFlags.map((flag) => redactor.redact(flag)) }),
    ...(typeof uncommitted === 'object' && {
      uncommitted: { ...uncommitted, files: uncommitted.files.map((file) => redactor.redact(file)) },
    }),
    ...(machine === undefined ? {} : { machine: { ...machine, name: redactor.redact(machine.name) } }),
    ...(record.leftOut === undefined
      ? {}
      : { leftOut: record.leftOut.map((item) => ({ ...item, file: redactor.redact(item.file) })) }),
    tasks: record.tasks.map((task) => ({
      ...task,
      run: redactor.redact(task.run),
      ...(task.note === undefined ? {} : { note: redactor.redact(task.note) }),
    })),
  };
}

/** Redacts the command of a row. */
export const redactRow = (row: TaskRow, redactor: Redactor): TaskRow => ({
  ...row,
  script: redactor.redact(row.script),
  action: redactor.redact(row.action),
});

/** Redacts the texts of one step of a job. */
export function redactProgress(progress: Progress, redactor: Redactor): Progress {
  switch (progress.kind) {
    case 'task-done':
      return {
        ...progress,
        row: redactRow(progress.row, redactor),
        ...(progress.note === undefined ? {} : { note: redactor.redact(progress.note) }),
      };
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

/** Fails when a name contains a secret: names are part of addresses, so they cannot be redacted. */
export function refuseSecretNames(job: JobDeclaration, redactor: Redactor): Result<undefined> {
  for (const name of [job.name, ...job.tasks.map((task) => task.name)]) {
    if (redactor.redact(name) !== name) {
      return refuse(
        `cannot run job ${quote(redactor.redact(job.name))}: its name or the name of a task contains a secret`,
      );
    }
  }
  return { ok: true, value: undefined };
}
