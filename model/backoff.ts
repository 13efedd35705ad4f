/** Plans the pauses between tries. Each pause is longer than the one before, up to a limit. Pure. */

export interface Backoff {
  /** the pause after the first failed try */
  readonly baseSeconds: number;
  /** how much longer each pause is than the one before; 2 unless set */
  readonly factor?: number;
  /** no pause is longer, before it is spread */
  readonly maxSeconds: number;
  /**
   * Spreads each pause evenly between half and one and a half of itself, so that many clients do not retry in step.
   * Returns 0 to 1. Pauses are not spread unless set.
   */
  readonly random?: () => number;
}

/** Returns the seconds to wait after `failed` tries, 1 or more. */
export function planPause(failed: number, { baseSeconds, factor = 2, maxSeconds, random }: Backoff): number {
  const pause = Math.min(maxSeconds, baseSeconds * factor ** (failed - 1));
  return random === undefined ? pause : pause * (0.5 + random());
}
