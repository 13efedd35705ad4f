/** The status API's answer for one job. */
import type { JobStatus } from '../../model/status.js';

export type StatusAnswer =
  | { readonly kind: 'status'; readonly status: JobStatus }
  /** 404: the job has not reported */
  | { readonly kind: 'missing' }
  /** no answer, or not a status */
  | {
      readonly kind: 'unusable';
      readonly reason: string;
      /** a retry would not help: access is denied, or the address is wrong */
      readonly isRefusal?: boolean;
    };
