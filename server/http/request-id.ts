/** Ids of requests: 48 random bits each, as 12 hexadecimal digits; drawn many at a time. */
import { randomBytes } from 'node:crypto';

const bytesOfId = 6;
const drawnAtOnce = 512;

/** The next id at each call. */
export function makeRequestIds(): () => string {
  let drawn = '';
  let next = 0;
  return () => {
    if (next === drawn.length) {
      drawn = randomBytes(bytesOfId * drawnAtOnce).toString('hex');
      next = 0;
    }
    const begin = next;
    next += bytesOfId * 2;
    return drawn.slice(begin, next);
  };
}
