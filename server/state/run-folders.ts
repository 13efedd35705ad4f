/**
 * Maps GitHub runs to folders. Run numbers are unique only within one workflow, so two runs may have the same number.
 */
import { parseRunId, type RunId } from '../../model/name.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { folderName, parseRunNumber, type RunFolder } from '../../model/run.js';

/** The owner of a folder whose records have no GITHUB_RUN_ID. */
const unknown = Symbol('unknown run');

export class RunFolders {
  readonly #owners = new Map<string, RunId | typeof unknown>();
  readonly #bases = new Map<RunId, RunId>();
  /** runs whose number is in a record, and not only in events */
  readonly #recorded = new Set<RunId>();

  /** Assigns a folder to a run because of an event. The run keeps it even if its records have another number. */
  reserve(base: RunId, runId: RunId): void {
    this.#put(base, runId);
  }

  /**
   * Assigns a folder to a run because of a record in it. The first run keeps it. `base`: the folder's name without
   * attempt.
   */
  confirm(base: RunId, runId: RunId | undefined): void {
    if (runId !== undefined) this.#recorded.add(runId);
    this.#put(base, runId);
  }

  #put(base: RunId, runId: RunId | undefined): void {
    const owner = this.#owners.get(base);
    if (owner === undefined || (owner === unknown && runId !== undefined))
      this.#owners.set(base, runId ?? unknown);
    if (runId !== undefined && !this.#bases.has(runId)) this.#bases.set(runId, base);
  }

  /** Returns the run of a folder, which is named without attempt; undefined while its GITHUB_RUN_ID is not known. */
  ownerOf(base: RunId): RunId | undefined {
    const owner = this.#owners.get(base);
    return owner === unknown ? undefined : owner;
  }

  /** Returns the folder name of a run without attempt; undefined if it has none yet. */
  baseOf(runId: RunId): RunId | undefined {
    return this.#bases.get(runId);
  }

  /**
   * Returns the folder of an attempt: `1234`, or `1234-id98765` if another run already has number 1234. Without a run
   * id, only the number decides. Reserves nothing.
   */
  resolve(
    number: RunId,
    runId: RunId | undefined,
    attempt: number,
  ): Result<{ base: RunId; folder: RunFolder }> {
    const base = this.#resolveBase(number, runId);
    if (!base.ok) return base;
    const name = parseRunId(folderName(base.value, attempt), 'run folder');
    return name.ok ? accept({ base: base.value, folder: { host: 'github', name: name.value } }) : name;
  }

  #resolveBase(number: RunId, runId: RunId | undefined): Result<RunId> {
    if (runId === undefined) return accept(number);
    const known = this.#bases.get(runId);
    if (known !== undefined) {
      const isSame = known === number || known === `${number}-id${runId}`;
      // Otherwise an event of one job with a wrong number could block the records of all others.
      if (isSame || !this.#recorded.has(runId)) return accept(known);
      return refuse(
        `cannot accept GITHUB_RUN_NUMBER ${quote(number)}: run id ${quote(runId)} already has folder ${quote(known)}`,
      );
    }
    if (!this.#owners.has(number)) return accept(number);
    // Digits only: anything else could be read as an attempt.
    const digits = parseRunNumber(runId, 'GITHUB_RUN_ID');
    return digits.ok ? parseRunId(`${number}-id${digits.value}`, 'run folder') : digits;
  }
}
