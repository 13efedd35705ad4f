/** Removes runs, wwz files and artifacts from an open site: first in the log, then on the pages, then on disk. */
import type { PageChanges } from '../state/page-changes.js';
import type { ArtifactRemoval, Removal } from '../store/removal-entry.js';
import { deleteRemoved } from './delete-removed.js';
import type { SiteParts } from './site-parts.js';

export class RunRemover {
  readonly #parts: SiteParts;
  /** resolves when the files of all removals so far are deleted */
  #last: Promise<void> = Promise.resolve();

  constructor(parts: SiteParts) {
    this.#parts = parts;
  }

  /** See Site.remove(). */
  remove(choose: () => readonly (Removal | ArtifactRemoval)[]): Promise<number> {
    const work = this.#remove(choose);
    this.#last = Promise.allSettled([this.#last, work]).then(() => undefined);
    return work;
  }

  /** Resolves when all removals so far have ended or failed. */
  idle(): Promise<void> {
    return this.#last;
  }

  async #remove(choose: () => readonly (Removal | ArtifactRemoval)[]): Promise<number> {
    const { folder, state, log, pages, queue } = this.#parts;
    const { entries, pagesWritten } = await queue.run(async () => {
      const chosen = choose();
      if (chosen.length === 0) return { entries: chosen, pagesWritten: Promise.resolve() };
      await log.appendRemovals(chosen);
      const changes = chosen.map((entry) => this.#apply(entry));
      return { entries: chosen, pagesWritten: Promise.all(changes.map((change) => pages.schedule(change))) };
    });
    try {
      await pagesWritten;
    } finally {
      // Even if the pages failed: on a full disk, this frees the space for them.
      await queue.run(() => deleteRemoved(folder, state, entries));
    }
    return entries.length;
  }

  #apply(entry: Removal | ArtifactRemoval): PageChanges {
    const { state, details } = this.#parts;
    if (entry.kind === 'removed-artifacts') return state.removeArtifacts(entry.host, entry.commit);
    const changes = state.remove(entry);
    for (const { job } of entry.jobs) details.delete({ ...entry.folder, job });
    return changes;
  }
}
