/** What a site has on its disk, and whether an upload still fits: counted once by walking, then kept. */
import { lstat, readdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { formatByteCount } from '../../model/byte-count.js';
import { quote } from '../../model/result.js';
import { problem, type HttpResponse } from '../http/response.js';
import type { Project } from '../config/project.js';
import { isMissing } from '../../files/atomic-file.js';

/** Room that an upload has taken; what it did not keep is free again when it leaves. */
export interface QuotaReservation {
  /** To be told of every byte that came; a refusal when it is more than was declared and no longer fits. */
  readonly extend: (received: number) => HttpResponse | undefined;
  /** These bytes stay in the site. */
  readonly commit: (bytes: number) => void;
  readonly release: () => void;
}

export type Reserved =
  | { readonly ok: true; readonly room: QuotaReservation }
  | { readonly ok: false; readonly answer: HttpResponse };

/**
 * Uploads are counted as they come, each from its first byte, so that many at once do not exceed the quota together.
 * What else changes a site's size, its pages and its log, and what prune takes away, comes in with the next count.
 */
export class SiteUsage {
  readonly #project: Project;
  #counted = 0;
  #kept = 0;
  #underWay = 0;

  constructor(project: Project) {
    this.#project = project;
  }

  /** of the whole site, as last counted, and what was stored since */
  get bytes(): number {
    return this.#counted + this.#kept;
  }

  /** Walks the site. What is stored meanwhile is not lost: at worst it counts twice until the next count. */
  async count(): Promise<void> {
    const before = this.#kept;
    this.#counted = await bytesBelow(this.#project.folder);
    this.#kept -= before;
  }

  /** Takes room for an upload that declares so many bytes; 0 where it does not say. */
  async reserve(declared: number): Promise<Reserved> {
    // The quota last: nothing may come between the look at it and the taking of room.
    const onDisk = await this.#diskRefusal(declared);
    const refused = this.#refusal(declared) ?? onDisk;
    if (refused !== undefined) return { ok: false, answer: refused };
    let taken = declared;
    this.#underWay += taken;
    return {
      ok: true,
      room: {
        extend: (received) => {
          if (received <= taken) return undefined;
          const more = received - taken;
          const answer = this.#refusal(more);
          if (answer !== undefined) return answer;
          this.#underWay += more;
          taken = received;
          return undefined;
        },
        commit: (bytes) => {
          this.#kept += bytes;
          this.#underWay -= Math.min(taken, bytes);
          taken -= Math.min(taken, bytes);
        },
        release: () => {
          this.#underWay -= taken;
        },
      },
    };
  }

  /** The 507 for an event or a status line, once even the reserve is used up. */
  refuseEvent(): HttpResponse | undefined {
    const { prefix, quota } = this.#project;
    if (quota.siteBytes === undefined || this.bytes < quota.siteBytes) return undefined;
    const figures = `it has ${formatByteCount(this.bytes)} of ${formatByteCount(quota.siteBytes)}`;
    return problem(507, `cannot store this: project ${quote(prefix)} is over its quota: ${figures}`);
  }

  /** 413: it can never fit. 507: it does not fit now, and will again once something was pruned. */
  #refusal(bytes: number): HttpResponse | undefined {
    const { prefix, quota } = this.#project;
    if (quota.siteBytes === undefined) return undefined;
    const most = quota.siteBytes - quota.reserveBytes;
    const rule = `its quota is ${formatByteCount(quota.siteBytes)}, of which ${formatByteCount(quota.reserveBytes)} are kept back for events and the status API`;
    if (bytes > most) {
      return problem(
        413,
        `cannot accept ${formatByteCount(bytes)} for project ${quote(prefix)}: it can never fit; ${rule}`,
      );
    }
    const taken = this.bytes + this.#underWay;
    if (taken + bytes <= most) return undefined;
    return problem(
      507,
      `cannot store ${formatByteCount(bytes)} in project ${quote(prefix)}: it has ${formatByteCount(taken)} already; ${rule}`,
    );
  }

  async #diskRefusal(bytes: number): Promise<HttpResponse | undefined> {
    const { folder, quota } = this.#project;
    const disk = await statfs(folder).catch(() => undefined);
    if (disk === undefined) return undefined;
    const free = disk.bavail * disk.bsize;
    if (free - this.#underWay - bytes >= quota.reserveBytes) return undefined;
    return problem(
      507,
      `cannot store ${formatByteCount(bytes)}: the disk of the site has ${formatByteCount(free)} left, of which ${formatByteCount(quota.reserveBytes)} are kept back for events and the status API`,
    );
  }
}

/** All files below a folder, uploads under way apart; one that goes meanwhile counts nothing. */
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
