/** What `soil-server check` finds, as data: what is wrong, where, and whether a repair can mend it. */

export type Finding =
  /** a line that is torn, cannot be read, or does not follow from the one before it */
  | { readonly kind: 'log'; readonly reason: string }
  /** records that the log does not have */
  | { readonly kind: 'unlogged'; readonly path: string }
  /** a page that is not what the state makes it, is missing, or should not be there */
  | { readonly kind: 'page'; readonly path: string; readonly reason: string }
  /** a file that nothing leads to: left by a crash, or a part of a job that never arrived */
  | { readonly kind: 'stray'; readonly path: string; readonly reason: string }
  /** a file of a job, or a status, that is gone or not what was accepted */
  | { readonly kind: 'damaged'; readonly path: string; readonly reason: string };

/** Damage cannot be mended here: what was accepted is not there any more. */
export const isRepairable = (finding: Finding): boolean => finding.kind !== 'damaged';

export function describeFinding(finding: Finding): string {
  switch (finding.kind) {
    case 'log':
      return `log: ${finding.reason}`;
    case 'unlogged':
      return `${finding.path}: the log does not have this record`;
    case 'page':
    case 'stray':
    case 'damaged':
      return `${finding.path}: ${finding.reason}`;
  }
}
