/** An upload's quota reservation and its staging folder: both are released whatever happens. */
import type { IncomingMessage } from 'node:http';
import { withStaging } from '../disk/staging.js';
import type { HttpResponse } from '../http/response.js';
import type { QuotaReservation, SiteUsage } from './quota.js';

export interface ReservationOptions {
  readonly usage: SiteUsage;
  /** the folder that holds one staging folder per upload */
  readonly staging: string;
  /** the largest body; a larger one reserves nothing and is refused by its reader */
  readonly maxBytes: number;
  /** counts an upload that does not fit */
  readonly noRoom: () => void;
}

/** Reserves the declared length of the body, and calls `work` with an empty folder. */
export async function withReservation(
  request: IncomingMessage,
  { usage, staging, maxBytes, noRoom }: ReservationOptions,
  work: (folder: string, reservation: QuotaReservation) => Promise<HttpResponse>,
): Promise<HttpResponse> {
  const declared = Number(request.headers['content-length'] ?? '0');
  const reserved = await usage.reserve(declared > maxBytes ? 0 : declared);
  if (!reserved.ok) {
    noRoom();
    return reserved.answer;
  }
  try {
    return await withStaging(staging, (folder) => work(folder, reserved.room));
  } finally {
    reserved.room.release();
  }
}
