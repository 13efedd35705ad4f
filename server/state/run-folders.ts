/** Which GitHub run has which folder: run numbers count within a workflow, so that two runs may come with the same one. */
import { parseRunId, type RunId } from '../../model/name.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { folderName, parseRunNumber, type RunFolder } from '../../model/run.js';

/** A run whose record does not say its GITHUB_RUN_ID. */
const unknown = Symbol('unknown run');

export class RunFolders {
  readonly #owners = new Map<string, RunId | typeof unknown>();
  readonly #bases = new Map<RunId, RunId>();
  /** runs of which a record has told its number, not only events */
  readonly #recorded = new Set<RunId>();

  /** An event told the folder of a run: it has it from now on, whatever number its records come with. */
  reserve(base: RunId, runId: RunId): void {
    this.#put(base, runId);
  }

  /** A folder is there already, less its attempt, and belongs to a run. The first one to say so keeps it. */
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

  /** The run that a folder belongs to, less its attempt; undefined while no record has told its GITHUB_RUN_ID. */
  ownerOf(base: RunId): RunId | undefined {
    const owner = this.#owners.get(base);
    return owner === unknown ? undefined : owner;
  }

  /** The folder of a run, less its attempt, where it has one already. */
  baseOf(runId: RunId): RunId | undefined {
    return this.#bases.get(runId);
  }

  /**
   * Where an attempt of a run goes: `1234`, or `1234-id98765` when another run has that number already. Without a
   * run id the number is all there is. Claims nothing.
   */
  resolve(
    number: RunId,
    runId: RunId | undefined,
    attempt: number,
  ): Result<{ base: RunId; folder: RunFolder }> {
    const base = this.#planBase(number, runId);
    if (!base.ok) return base;
    const name = parseRunId(folderName(base.value, attempt), 'run folder');
    return name.ok ? accept({ base: base.value, folder: { host: 'github', name: name.value } }) : name;
  }

  #planBase(number: RunId, runId: RunId | undefined): Result<RunId> {
    if (runId === undefined) return accept(number);
    const known = this.#bases.get(runId);
    if (known !== undefined) {
      const isSame = known === number || known === `${number}-id${runId}`;
      // Whoever may tell events of one job must not be able to keep the records of all others out.
      if (isSame || !this.#recorded.has(runId)) return accept(known);
      return refuse(
        `cannot accept GITHUB_RUN_NUMBER ${quote(number)}: run id ${quote(runId)} came with folder ${quote(known)} before`,
      );
    }
    if (!this.#owners.has(number)) return accept(number);
    // Digits only, so that no part of it can read as an attempt.
    const digits = parseRunNumber(runId, 'GITHUB_RUN_ID');
    return digits.ok ? parseRunId(`${number}-id${digits.value}`, 'run folder') : digits;
  }
}
