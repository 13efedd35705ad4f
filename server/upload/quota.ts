/** Counts the bytes of a site, and reserves space in its quota for uploads. */
import { statfs } from 'node:fs/promises';
import { accept, refuse, type Result } from '../../model/result.js';
import type { Project, ProjectPrefix } from '../config/project.js';
import { countSite } from './site-bytes.js';

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
  /** more than the share of its token, which is limited */
  | (Omit<QuotaUse, 'reserveBytes'> & {
      readonly kind: 'share-used-up';
      readonly token: string;
      readonly bytes: number;
    })
  | {
      readonly kind: 'disk-full';
      readonly bytes: number;
      readonly freeBytes: number;
      readonly reserveBytes: number;
    };

/** The sender of an upload or event. */
export interface Spender {
  readonly id: string;
  readonly jobs: string;
  readonly actions: readonly string[];
}

/** What is known about the tokens that caused the files of a site. */
export interface FileOwners {
  /** returns the id of the token that caused a file below the site */
  readonly ownerOf: (path: string) => string | undefined;
  /** returns the bytes of the log that a token has caused */
  readonly logBytes: (id: string) => number;
}

/** The bytes of one token, apart from those of the log. */
interface TokenBytes {
  counted: number;
  /** since the last count */
  committed: number;
  reserved: number;
}

/** Reports whether a token has only a share of the quota: it is limited to some jobs, or cannot upload. */
const isLimited = ({ jobs, actions }: Spender): boolean => jobs !== '*' || !actions.includes('append');

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
 * together. A token that is limited gets a share, so that it cannot use up what others need. Removed files change the
 * size too; the next count() includes them.
 */
export class SiteUsage {
  readonly #project: Project;
  #counted = 0;
  /** committed since the last count */
  #committed = 0;
  #reserved = 0;
  readonly #owners: FileOwners;
  readonly #tokens = new Map<string, TokenBytes>();

  constructor(project: Project, owners: FileOwners) {
    this.#project = project;
    this.#owners = owners;
  }

  /** The bytes of the whole site: those of the last count, and those committed since. */
  get bytes(): number {
    return this.#counted + this.#committed;
  }

  /** Sums the files of the site. A file that is stored meanwhile may count twice until the next count. */
  async count(): Promise<void> {
    const before = this.#committed;
    const ofTokens = [...this.#tokens.values()].map((token) => ({ token, before: token.committed }));
    const { bytes, byToken } = await countSite(this.#project.folder, (path) => this.#owners.ownerOf(path));
    this.#counted = bytes;
    this.#committed -= before;
    for (const { token, before: committed } of ofTokens) token.committed -= committed;
    for (const id of byToken.keys()) this.#of(id);
    for (const [id, token] of this.#tokens) token.counted = byToken.get(id) ?? 0;
  }

  /** Adds bytes that a page or the log has grown by. `path`: the page, below the site. */
  addBytes(bytes: number, path?: string): void {
    this.#committed += bytes;
    const owner = path === undefined ? undefined : this.#owners.ownerOf(path);
    if (owner !== undefined) this.#of(owner).committed += bytes;
  }

  /** Reserves space for an upload of `declared` bytes; 0 if its size is unknown. */
  async reserve(declared: number, sender: Spender): Promise<Result<QuotaReservation, QuotaRefusal>> {
    // Check the quota last: no other upload may reserve between its check and the reservation.
    const onDisk = await this.#checkDisk(declared);
    const refusal = this.#check(declared, sender) ?? onDisk;
    if (refusal !== undefined) return refuse(refusal);
    let reserved = 0;
    const token = this.#of(sender.id);
    const add = (bytes: number): void => {
      this.#reserved += bytes;
      token.reserved += bytes;
      reserved += bytes;
    };
    add(declared);
    return accept({
      extend: (received) => {
        if (received <= reserved) return undefined;
        const more = received - reserved;
        const exceeded = this.#check(more, sender);
        if (exceeded !== undefined) return exceeded;
        add(more);
        return undefined;
      },
      commit: (bytes) => {
        this.#committed += bytes;
        token.committed += bytes;
        add(-Math.min(reserved, bytes));
      },
      release: () => {
        add(-reserved);
      },
    });
  }

  /**
   * Returns a refusal for an event or status of `bytes` when even the reserve is used up. The reserve is not for tokens
   * that are limited.
   */
  checkReserve(bytes: number, sender: Spender): QuotaRefusal | undefined {
    if (isLimited(sender)) return this.#check(bytes, sender);
    const { siteBytes } = this.#project.quota;
    if (siteBytes === undefined || this.bytes < siteBytes) return undefined;
    return { kind: 'reserve-used-up', ...this.#use(siteBytes, this.bytes) };
  }

  #of(id: string): TokenBytes {
    const token = this.#tokens.get(id) ?? { counted: 0, committed: 0, reserved: 0 };
    this.#tokens.set(id, token);
    return token;
  }

  #check(bytes: number, sender: Spender): QuotaRefusal | undefined {
    const { siteBytes, reserveBytes } = this.#project.quota;
    if (siteBytes === undefined) return undefined;
    const share = isLimited(sender) ? this.#checkShare(bytes, sender, siteBytes) : undefined;
    if (share !== undefined) return share;
    const usedBytes = this.bytes + this.#reserved;
    const use = this.#use(siteBytes, usedBytes);
    const forUploads = siteBytes - reserveBytes;
    if (bytes > forUploads) return { kind: 'larger-than-quota', bytes, ...use };
    return usedBytes + bytes > forUploads ? { kind: 'quota-exceeded', bytes, ...use } : undefined;
  }

  #checkShare(bytes: number, { id }: Spender, siteBytes: number): QuotaRefusal | undefined {
    const { prefix: project, quota } = this.#project;
    const quotaBytes = quota.tokenBytes ?? Math.floor(siteBytes / 4);
    const { counted, committed, reserved } = this.#of(id);
    const usedBytes = counted + committed + reserved + this.#owners.logBytes(id);
    if (usedBytes + bytes <= quotaBytes) return undefined;
    return { kind: 'share-used-up', token: id, project, bytes, usedBytes, quotaBytes };
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
