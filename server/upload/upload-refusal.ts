/** Why an upload is refused, as data. server/api/refusal-response.ts turns it into a response. */
import type { QuotaRefusal } from './quota.js';

export type UploadRefusal =
  | QuotaRefusal
  | { readonly kind: 'body-too-large'; readonly maxBytes: number }
  /** the client closed the connection before the end of the body or form */
  | { readonly kind: 'incomplete'; readonly what: 'body' | 'form' }
  /** `reason` is the parser's */
  | { readonly kind: 'malformed-form'; readonly reason: string }
  | { readonly kind: 'too-many-parts'; readonly what: 'files' | 'fields' | 'parts'; readonly max: number }
  | { readonly kind: 'unnamed-part' }
  | {
      readonly kind: 'part-too-large';
      readonly what: 'file' | 'field';
      readonly name: string;
      readonly maxBytes: number;
    }
  /** a digest in the headers is malformed or is not that of the body; `reason` is the whole message */
  | { readonly kind: 'digest-refused'; readonly reason: string }
  /** the form has a part that the parser passed over; `part` is the first line of its headers */
  | { readonly kind: 'part-not-understood'; readonly part: string }
  /** the form may not have this file; `reason` is the whole message */
  | { readonly kind: 'file-refused'; readonly reason: string };
