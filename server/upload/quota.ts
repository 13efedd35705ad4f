/** Counts the bytes of a site, and reserves space in its quota for uploads. */
import { lstat, readdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { accept, refuse, type Result } from '../../model/result.js';
import type { Project, ProjectPrefix } from '../config/project.js';
import { isMissing } from '../../files/atomic-file.js';

/** The quota of a site, and how much of it is in use, including uploads in progress. */
interface QuotaUse {
  readonly project: ProjectPrefix;
  readonly usedBytes: number;
  readonly quotaBytes: number;
  readonly reserveBytes: number;
}

/** Why a site has no space for an upload or event. Uploads may not use the reserve; events and the status API may. */
export type QuotaRefusal =
  /** larger than the quota without the reserve */
  | (QuotaUse & { readonly kind: 'larger-than-quota'; readonly bytes: number })
  /** does not fit until something is pruned */
  | (QuotaUse & { readonly kind: 'quota-exceeded'; readonly bytes: number })
  /** not even an event fits */
  | (QuotaUse & { readonly kind: 'reserve-used-up' })
  | {
      readonly kind: 'disk-full';
      readonly bytes: number;
      readonly freeBytes: number;
      readonly reserveBytes: number;
    };

/** Space in the quota that an upload has reserved. */
export interface QuotaReservation {
  /** Extends the reservation if more bytes were received than reserved. Returns a refusal if they do not fit. */
  readonly extend: (received: number) => QuotaRefusal | undefined;
  /** Counts these bytes as stored in the site, and no longer as reserved. */
  readonly commit: (bytes: number) => void;
  /** Frees the bytes that were not committed. */
  readonly release: () => void;
}

/**
 * The size of one site. Uploads count from their first byte, so that concurrent uploads do not exceed the quota
 * together. Pages, the log and prune change the size too; the next count() includes their changes.
 */
export class SiteUsage {
  readonly #project: Project;
  #counted = 0;
  /** committed since the last count */
  #committed = 0;
  #reserved = 0;

  constructor(project: Project) {
    this.#project = project;
  }

  /** The bytes of the whole site: those of the last count, and those committed since. */
  get bytes(): number {
    return this.#counted + this.#committed;
  }

  /** Sums the files of the site. A file that is stored meanwhile may count twice until the next count. */
  async count(): Promise<void> {
    const before = this.#committed;
    this.#counted = await bytesBelow(this.#project.folder);
    this.#committed -= before;
  }

  /** Reserves space for an upload of `declared` bytes; 0 if its size is unknown. */
  async reserve(declared: number): Promise<Result<QuotaReservation, QuotaRefusal>> {
    // Check the quota last: no other upload may reserve between its check and the reservation.
    const onDisk = await this.#checkDisk(declared);
    const refusal = this.#check(declared) ?? onDisk;
    if (refusal !== undefined) return refuse(refusal);
    let reserved = declared;
    this.#reserved += reserved;
    return accept({
      extend: (received) => {
        if (received <= reserved) return undefined;
        const more = received - reserved;
        const exceeded = this.#check(more);
        if (exceeded !== undefined) return exceeded;
        this.#reserved += more;
        reserved = received;
        return undefined;
      },
      commit: (bytes) => {
        const moved = Math.min(reserved, bytes);
        this.#committed += bytes;
        this.#reserved -= moved;
        reserved -= moved;
      },
      release: () => {
        this.#reserved -= reserved;
      },
    });
  }

  /** Returns a refusal for events and the status API when even the reserve is used up. */
  checkReserve(): QuotaRefusal | undefined {
    const { siteBytes } = this.#project.quota;
    if (siteBytes === undefined || this.bytes < siteBytes) return undefined;
    return { kind: 'reserve-used-up', ...this.#use(siteBytes, this.bytes) };
  }

  #check(bytes: number): QuotaRefusal | undefined {
    const { siteBytes, reserveBytes } = this.#project.quota;
    if (siteBytes === undefined) return undefined;
    const usedBytes = this.bytes + this.#reserved;
    const use = this.#use(siteBytes, usedBytes);
    const forUploads = siteBytes - reserveBytes;
    if (bytes > forUploads) return { kind: 'larger-than-quota', bytes, ...use };
    return usedBytes + bytes > forUploads ? { kind: 'quota-exceeded', bytes, ...use } : undefined;
  }

  #use(quotaBytes: number, usedBytes: number): QuotaUse {
    const { prefix, quota } = this.#project;
    return { project: prefix, usedBytes, quotaBytes, reserveBytes: quota.reserveBytes };
  }

  async #checkDisk(bytes: number): Promise<QuotaRefusal | undefined> {
    const { folder, quota } = this.#project;
    const disk = await statfs(folder).catch(() => undefined);
    if (disk === undefined) return undefined;
    const freeBytes = disk.bavail * disk.bsize;
    const { reserveBytes } = quota;
    if (freeBytes - this.#reserved - bytes >= reserveBytes) return undefined;
    return { kind: 'disk-full', bytes, freeBytes, reserveBytes };
  }
}

/** Sums the files below a folder, except uploads in progress. A file that is removed meanwhile counts as 0 bytes. */
async function bytesBelow(root: string): Promise<number> {
  let sum = 0;
  const folders = [root];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
      if (isMissing(error)) return [];
      throw error;
    });
    for (const entry of entries) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) {
        if (path !== join(root, '.soil', 'staging')) folders.push(path);
      } else {
        sum += await sizeOf(path);
      }
    }
  }
  return sum;
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await lstat(path)).size;
  } catch (error) {
    if (isMissing(error)) return 0;
    throw error;
  }
}
