/** Fragments that were rendered already -> the same again, as long as all that they are made of is the same. */
import type { Fragment } from '../../../templates/fragment.js';

/** For the pages that change now: a run of a hundred jobs, and the lists that it stands in. */
const bytesKept = 8 * 2 ** 20;

interface Kept {
  readonly parts: readonly unknown[];
  readonly fragment: Fragment;
}

/** Fragments of one kind. What a fragment is made of never changes in place: state is made anew where it changes. */
export class FragmentCache {
  /** the least lately used first */
  readonly #kept = new Map<unknown, Kept>();
  #bytes = 0;

  /** `of`: what the fragment shows; `parts`: everything else that its bytes depend on. */
  get(of: object, parts: readonly unknown[], render: () => Fragment): Fragment {
    const known = this.#kept.get(of);
    if (known !== undefined) {
      this.#kept.delete(of);
      this.#bytes -= known.fragment.bytes.length;
    }
    const isSame = known?.parts.length === parts.length && known.parts.every((part, i) => part === parts[i]);
    const fragment = isSame ? known.fragment : render();
    this.#kept.set(of, { parts, fragment });
    this.#bytes += fragment.bytes.length;
    for (const [oldest, { fragment: old }] of this.#kept) {
      if (this.#bytes <= bytesKept) break;
      this.#kept.delete(oldest);
      this.#bytes -= old.bytes.length;
    }
    return fragment;
  }
}
