/** Which token sent the jobs of a site, and how many bytes of its log each token has caused. */
import { readFile } from 'node:fs/promises';
import type { JobAddress } from '../../model/run.js';
import { runFolder } from '../../model/path.js';
import { logFiles } from './event-log.js';
import { parseAddress, type Sender } from './log-entry.js';

/** The end of a line with a sender. Values of an event cannot have it, since their quotes are escaped. */
const senderPattern = /,"by":"([a-z0-9-]{1,40})"(,"jobs":"[^"]*")?\}$/;

export class SenderIndex {
  /** tokens that are limited to some jobs, by the path of a job without its suffix */
  readonly #owners = new Map<string, string>();
  readonly #logBytes = new Map<string, number>();

  /** Reads the whole log. */
  static async read(folder: string): Promise<SenderIndex> {
    const index = new SenderIndex();
    for (const { path } of await logFiles(folder)) {
      for (const line of (await readFile(path, 'utf8')).split('\n')) index.#addLine(line);
    }
    return index;
  }

  #addLine(line: string): void {
    const [, id, jobs] = senderPattern.exec(line) ?? [];
    if (id === undefined) return;
    this.addLogBytes(id, Buffer.byteLength(line) + 1);
    const [, record] = jobs === undefined ? [] : (/,"record":"([^"]+)",/.exec(line) ?? []);
    const address = record === undefined ? undefined : parseAddress(record);
    if (address?.ok === true) this.#owners.set(keyOf(address.value), id);
  }

  /** Notes who sent a job. Only tokens that are limited to some jobs are kept. */
  addJob(address: JobAddress, { id, jobs }: Sender): void {
    if (jobs !== '*') this.#owners.set(keyOf(address), id);
  }

  addLogBytes(id: string, bytes: number): void {
    this.#logBytes.set(id, this.logBytes(id) + bytes);
  }

  /** Returns the bytes of the lines of the log that a token has caused. */
  logBytes(id: string): number {
    return this.#logBytes.get(id) ?? 0;
  }

  /**
   * Returns the token that caused a file, which is limited to some jobs: it sent the job, or its parts, or the run is its
   * own. `path` is below the site.
   */
  ownerOf(path: string): string | undefined {
    const part = /^\.soil\/partial\/([a-z0-9-]{1,40}),/.exec(path);
    if (part !== null) return part[1];
    const own = /^[a-z]+-jobs\/[^/]*-by-([a-z0-9-]{1,40}?)(?:-id[^/]*)?-token(?:-[1-9]\d{0,3})?\//.exec(path);
    if (own !== null) return own[1];
    return this.#owners.get(path.replace(/\.(json|tsv|wwz)$/, ''));
  }
}

const keyOf = (address: JobAddress): string => `${runFolder(address)}/${address.job}`;
