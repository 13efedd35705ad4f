/** How a job ran, as far as the gate may ask: isolated tasks, uncommitted changes, and who could change the git repository. */

/** Changes that were in the working tree before the first command of a job. */
export interface UncommittedFiles {
  readonly count: number;
  /** the first ones, as `git status --short` prints them */
  readonly files: readonly string[];
}

/** How many files a record names. */
export const maxUncommittedFiles = 20;

/** Part of a job's status. */
export interface JobConditions {
  /** what a task left was ended before the next one began */
  readonly isolated?: boolean;
  /** how many files differed from the commit; absent: an older worker did not look */
  readonly uncommitted?: number | 'unknown';
  /** tasks could change the git repository of the machine */
  readonly git?: 'writable';
}

/** The fields of a record that state the conditions. */
export interface StatedConditions {
  readonly isolated?: boolean;
  readonly uncommitted?: UncommittedFiles | 'unknown';
  readonly git?: 'writable';
}

/** Returns the conditions that a record states. */
export function conditionsOf({ isolated, uncommitted, git }: StatedConditions): JobConditions {
  return {
    ...(isolated === true && { isolated }),
    ...(uncommitted !== undefined && {
      uncommitted: uncommitted === 'unknown' ? uncommitted : uncommitted.count,
    }),
    ...(git !== undefined && { git }),
  };
}

/** Returns the words of a status line, each with a space before it. */
export function formatConditions({ isolated, uncommitted, git }: JobConditions): string {
  const words = [
    ...(isolated === true ? ['isolated=true'] : []),
    ...(uncommitted === undefined ? [] : [`uncommitted=${uncommitted}`]),
    ...(git === undefined ? [] : [`git=${git}`]),
  ];
  return words.map((word) => ` ${word}`).join('');
}

/** Parses the words of a status line by key. Returns the key of the first wrong value, if there is one. */
export function parseConditions(
  words: ReadonlyMap<string, string>,
): JobConditions | { readonly wrong: string } {
  const [isolated, uncommitted, git] = ['isolated', 'uncommitted', 'git'].map((key) => words.get(key));
  if (isolated !== undefined && isolated !== 'true' && isolated !== 'false') return { wrong: 'isolated' };
  if (uncommitted !== undefined && !/^(unknown|0|[1-9]\d{0,8})$/.test(uncommitted))
    return { wrong: 'uncommitted' };
  if (git !== undefined && git !== 'writable') return { wrong: 'git' };
  return {
    ...(isolated === 'true' && { isolated: true }),
    ...(uncommitted !== undefined && {
      uncommitted: uncommitted === 'unknown' ? uncommitted : Number(uncommitted),
    }),
    ...(git !== undefined && { git }),
  };
}
