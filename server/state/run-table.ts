/** Every folder of a run that the site knows, by host and name, with the folders of the same run's other attempts. */
import { splitFolder, type RunFolder } from '../../model/run.js';
import { RunEntry } from './run-entry.js';

export class RunTable {
  readonly #entries = new Map<string, RunEntry>();
  /** folders of the same run, by host and run */
  readonly #attempts = new Map<string, RunEntry[]>();

  find(folder: RunFolder): RunEntry | undefined {
    return this.#entries.get(folderKey(folder));
  }

  /** The folder's entry, made where there is none. */
  get(folder: RunFolder): RunEntry {
    const known = this.find(folder);
    if (known !== undefined) return known;
    const { host, name } = folder;
    const entry = new RunEntry({ host, name });
    this.#entries.set(folderKey(folder), entry);
    const run = runKey(folder);
    this.#attempts.set(run, [...(this.#attempts.get(run) ?? []), entry]);
    return entry;
  }

  /** Every attempt of a run that has an entry, in the order in which they came. */
  attempts(folder: RunFolder): readonly RunEntry[] {
    return this.#attempts.get(runKey(folder)) ?? [];
  }

  all(): Iterable<RunEntry> {
    return this.#entries.values();
  }
}

export const folderKey = ({ host, name }: RunFolder): string => `${host} ${name}`;
const runKey = (folder: RunFolder): string => `${folder.host} ${splitFolder(folder).run}`;
