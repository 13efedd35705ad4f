/** Limits how many uploads are in progress: of the project, and of one token, so that none can use up all of them. */
import { accept, refuse, type Result } from '../../model/result.js';

/** Why an upload has to wait. `uploads-in-progress`: those of all tokens; `token-uploads`: those of its own token. */
export interface SlotRefusal {
  readonly kind: 'uploads-in-progress' | 'token-uploads';
  readonly token: string;
  readonly max: number;
}

/** A slot of an upload. */
export interface UploadSlot {
  readonly release: () => void;
}

export class UploadSlots {
  readonly #max: number;
  readonly #counts = new Map<string, number>();
  #count = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** Uploads in progress. */
  get count(): number {
    return this.#count;
  }

  /** Takes a slot for an upload of a token, until it is released. One token gets at most half of them. */
  take(token: string): Result<UploadSlot, SlotRefusal> {
    const own = this.#counts.get(token) ?? 0;
    const share = Math.ceil(this.#max / 2);
    if (own >= share) return refuse({ kind: 'token-uploads', token, max: share });
    if (this.#count >= this.#max) return refuse({ kind: 'uploads-in-progress', token, max: this.#max });
    this.#counts.set(token, own + 1);
    this.#count++;
    return accept({
      release: () => {
        const left = (this.#counts.get(token) ?? 1) - 1;
        if (left === 0) this.#counts.delete(token);
        else this.#counts.set(token, left);
        this.#count--;
      },
    });
  }
}
