/** The problems that `soil-server check` finds. */

export type Finding =
  /** a line of the log that cannot be read or does not continue the chain */
  | { readonly kind: 'log'; readonly reason: string }
  /** a last line without a newline, left by a crash; the next start removes it */
  | { readonly kind: 'torn-line'; readonly reason: string }
  /** a record that the log does not have */
  | { readonly kind: 'unlogged'; readonly path: string }
  /** a page that is missing, or differs from what the state renders */
  | { readonly kind: 'page'; readonly path: string; readonly reason: string }
  /** a page that no record or event needs */
  | { readonly kind: 'extra-page'; readonly path: string; readonly reason: string }
  /**
   * a file that is no page and belongs to no record or status: left by a crash, or part of a job that was never stored
   */
  | { readonly kind: 'stray'; readonly path: string; readonly reason: string }
  /** a file of a job or a status that is missing, or differs from the accepted one */
  | { readonly kind: 'damaged'; readonly path: string; readonly reason: string };

/** Damage cannot be repaired: the accepted bytes are lost. */
export const isRepairable = (finding: Finding): boolean => finding.kind !== 'damaged';

export function describeFinding(finding: Finding): string {
  switch (finding.kind) {
    case 'log':
    case 'torn-line':
      return `log: ${finding.reason}`;
    case 'unlogged':
      return `${finding.path}: the log does not have this record`;
    case 'page':
    case 'extra-page':
    case 'stray':
    case 'damaged':
      return `${finding.path}: ${finding.reason}`;
  }
}
