/** Runs an upload inside a quota reservation and a staging folder, and releases both. */
import type { IncomingMessage } from 'node:http';
import { accept, type Result } from '../../model/result.js';
import { withStaging } from '../disk/staging.js';
import type { QuotaRefusal, QuotaReservation, SiteUsage, Spender } from './quota.js';

export interface ReservationOptions {
  readonly usage: SiteUsage;
  readonly sender: Spender;
  /** the folder that holds one staging folder per upload */
  readonly staging: string;
  /** the largest body; a larger one reserves nothing, and its reader refuses it */
  readonly maxBytes: number;
}

/** Reserves the declared length of the body and calls `work` with an empty folder. Refuses a body that does not fit. */
export async function withReservation<T>(
  request: IncomingMessage,
  { usage, sender, staging, maxBytes }: ReservationOptions,
  work: (folder: string, reservation: QuotaReservation) => Promise<T>,
): Promise<Result<T, QuotaRefusal>> {
  const declared = Number(request.headers['content-length'] ?? '0');
  const reserved = await usage.reserve(declared > maxBytes ? 0 : declared, sender);
  if (!reserved.ok) return reserved;
  try {
    return accept(await withStaging(staging, (folder) => work(folder, reserved.value)));
  } finally {
    reserved.value.release();
  }
}
