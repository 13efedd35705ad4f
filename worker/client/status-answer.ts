/** What the status API answered when asked for one job. */
import type { JobStatus } from '../../model/status.js';

export type StatusAnswer =
  | { readonly kind: 'status'; readonly status: JobStatus }
  /** 404: nothing has been reported yet */
  | { readonly kind: 'missing' }
  /** no answer, or one that is no status; `reason` is a sentence's end */
  | {
      readonly kind: 'unusable';
      readonly reason: string;
      /** asking again would not help: the server wants somebody else, or has no such address */
      readonly isRefusal?: boolean;
    };
