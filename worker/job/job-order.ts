/** Orders the jobs of a command by their needs, and says why a job must be skipped. Pure. */
import { isGreen, type FinishedOutcome } from '../../model/outcome.js';
import { quote } from '../../model/result.js';

/** The jobs that each job needs, by name. A name that soil.yml does not have needs none. */
export type JobNeeds = ReadonlyMap<string, readonly string[]>;

/**
 * Returns the names in an order in which each job comes after all jobs that it needs, directly or through others;
 * otherwise the order stays. soil.yml has no cycles.
 */
export function orderByNeeds(names: readonly string[], needs: JobNeeds): readonly string[] {
  const ordered = new Set<string>();
  const seen = new Set<string>();
  const add = (name: string): void => {
    if (seen.has(name)) return;
    seen.add(name);
    for (const need of needs.get(name) ?? []) add(need);
    if (names.includes(name)) ordered.add(name);
  };
  for (const name of names) add(name);
  return [...ordered];
}

/** How a job that others need ended. */
export type NeedEnd =
  | { readonly kind: 'ended'; readonly outcome: FinishedOutcome }
  /** its own needs did not pass */
  | { readonly kind: 'skipped' }
  /** its options or its declaration are wrong */
  | { readonly kind: 'not-started' };

/** Returns why a job must be skipped, or undefined if every job that it needs passed. A need without an end has passed. */
export function findSkipReason(
  job: string,
  needs: JobNeeds,
  ends: ReadonlyMap<string, NeedEnd>,
): string | undefined {
  for (const name of needs.get(job) ?? []) {
    const end = ends.get(name);
    if (end === undefined || (end.kind === 'ended' && isGreen(end.outcome))) continue;
    return `it needs job ${quote(name)}, ${describeEnd(end)}`;
  }
  return undefined;
}

function describeEnd(end: NeedEnd): string {
  switch (end.kind) {
    case 'ended':
      return `whose outcome is ${end.outcome}`;
    case 'skipped':
      return 'which was skipped';
    case 'not-started':
      return 'which could not start';
  }
}
