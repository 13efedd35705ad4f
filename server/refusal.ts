/** What an HTTP handler returns when it will not: a status and one sentence. Returned, never thrown. */

export interface Refusal {
  readonly ok: false;
  /** 4xx, or 503 and 507 for what the machine cannot do now */
  readonly status: number;
  readonly error: string;
}

export type Answered<T> = { readonly ok: true; readonly value: T } | Refusal;

export const answer = <T>(value: T): Answered<T> => ({ ok: true, value });

export const refuseWith = (status: number, error: string): Refusal => ({ ok: false, status, error });

/** Errors of the disk that are the machine's condition, not a bug: no space, no inodes, no right to write. */
export function diskRefusal(error: unknown): Refusal | undefined {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return refuseWith(507, 'cannot store this: the disk is full');
    case 'EROFS':
    case 'EACCES':
    case 'EPERM':
      return refuseWith(503, `cannot store this: the site is not writable (${code})`);
    case 'EIO':
      return refuseWith(503, 'cannot store this: the disk failed (EIO)');
    default:
      return undefined;
  }
}
