/** Decides where each file of an uploaded job is staged, and how large it may be. */
import { basename } from 'node:path';
import type { JobName } from '../../model/name.js';
import { parseJobFile, type RecordSuffix } from '../../model/path.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import type { ServerLimits } from '../config/limits.js';
import { stagedFile } from '../store/staged-job.js';
import type { FilePart, FilePlan } from '../upload/multipart-reader.js';

export interface JobFilePlan {
  readonly add: (part: FilePart) => Result<FilePlan>;
  /** the job that the files are named after; undefined before the first file */
  readonly job: () => JobName | undefined;
  /** of the files so far */
  readonly suffixes: ReadonlySet<RecordSuffix>;
}

/**
 * Starts a plan for one form. The file field's name is one for which `suffixOf` returns a suffix, or, as in Soil's
 * shell clients, `file1` to `file3`; then the suffix is that of the file's own name. Refuses a file name with a path, a
 * second file with the same suffix, and files of two jobs.
 */
export function planJobFiles(
  folder: string,
  limits: ServerLimits,
  suffixOf: (field: string) => RecordSuffix | undefined,
): JobFilePlan {
  const suffixes = new Set<RecordSuffix>();
  let job: JobName | undefined;
  const maxBytes = { wwz: limits.wwzBytes, tsv: limits.tsvBytes, json: limits.jsonBytes };
  const add = ({ field, fileName = '' }: FilePart): Result<FilePlan> => {
    const expected = suffixOf(field);
    if (expected === undefined && !/^file[123]$/.test(field)) {
      return refuse(`cannot accept file field ${quote(field)}: it must be wwz, tsv, json, or file1 to file3`);
    }
    const file = parseFileName(fileName);
    if (!file.ok) return file;
    const { suffix } = file.value;
    if (expected !== undefined && suffix !== expected) {
      return refuse(
        `cannot accept file ${quote(fileName)} as ${expected}: its name must end in .${expected}`,
      );
    }
    if (suffixes.has(suffix)) return refuse(`cannot accept a second ${suffix}: the form already has one`);
    if (job !== undefined && job !== file.value.job) {
      return refuse(`cannot accept file ${quote(fileName)}: the form has files of job ${quote(job)}`);
    }
    job = file.value.job;
    suffixes.add(suffix);
    return accept({ path: stagedFile(folder, suffix), maxBytes: maxBytes[suffix] });
  };
  return { add, job: () => job, suffixes };
}

/** Refuses a backslash too, which separates folders on some systems. */
function parseFileName(name: string) {
  if (basename(name) !== name || name.includes('\\')) {
    return refuse(`cannot accept file ${quote(name)}: it must be a name without a path`);
  }
  return parseJobFile(name);
}
