/** Tests whether a site can be written, at most once in some seconds. */
import { join } from 'node:path';
import { writeWhole } from '../../files/atomic-file.js';
import { quote } from '../../model/result.js';
import type { Project } from '../config/project.js';
import type { PrivateFolder } from '../disk/private-folder.js';
import { withStaging } from '../disk/staging.js';

interface ProbedSite {
  readonly paths: PrivateFolder;
  readonly project: Project;
}

/** The disk is tested at most once in this time, since each test syncs it and delays uploads. */
export const probeSeconds = 5;

/** Tests whether a site can be written. Concurrent requests share a test, and later ones its result for a while. */
export class Readiness {
  #probe: Promise<string | undefined> | undefined;
  #probedAt = -Infinity;

  /** `clock` is monotonic, in milliseconds. */
  constructor(
    private readonly site: ProbedSite,
    private readonly clock: () => number = () => performance.now(),
  ) {}

  /** Returns why the site cannot be written, if it cannot. */
  findFault(): Promise<string | undefined> {
    if (this.#probe === undefined || this.clock() - this.#probedAt >= probeSeconds * 1000) {
      this.#probedAt = this.clock();
      this.#probe = probe(this.site);
    }
    return this.#probe;
  }
}

/** Writes and removes a folder with a file, as an upload does. Returns why that failed, if it did. */
async function probe({ paths, project }: ProbedSite): Promise<string | undefined> {
  try {
    await withStaging(paths.staging, (folder) => writeWhole(join(folder, 'probe'), 'probe', { sync: true }));
    return undefined;
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? 'unknown';
    return `cannot write to the site of project ${quote(project.prefix)}: ${reason}`;
  }
}
