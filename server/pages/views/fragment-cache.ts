/** Caches rendered fragments while the data that they show is the same. */
import { LRUCache } from 'lru-cache';
import type { Fragment } from '../../../templates/fragment.js';

/** Enough for the pages that change at the same time: a run of a hundred jobs, and the lists that show it. */
const maxBytes = 8 * 2 ** 20;

interface CachedFragment {
  readonly parts: readonly unknown[];
  readonly fragment: Fragment;
}

/** A cache of one kind of fragment. Compares objects by identity: state is replaced when it changes, never mutated. */
export class FragmentCache {
  readonly #cache = new LRUCache<object, CachedFragment>({
    maxSize: maxBytes,
    sizeCalculation: ({ fragment }) => Math.max(1, fragment.bytes.length),
  });

  /** Returns the fragment that shows `of`. `parts` is everything else that its bytes depend on. */
  get(of: object, parts: readonly unknown[], render: () => Fragment): Fragment {
    const cached = this.#cache.get(of);
    const isSame =
      cached?.parts.length === parts.length && cached.parts.every((part, i) => part === parts[i]);
    if (isSame) return cached.fragment;
    const fragment = render();
    this.#cache.set(of, { parts, fragment });
    return fragment;
  }
}
