/** Creates request ids: 48 random bits each, as 12 hexadecimal digits. */
import { randomBytes } from 'node:crypto';

const bytesOfId = 6;
/** ids per call to randomBytes(), which costs more than the bytes */
const batch = 512;

/** Returns a function that returns a new id at each call. */
export function createRequestIds(): () => string {
  let pool = '';
  let next = 0;
  return () => {
    if (next === pool.length) {
      pool = randomBytes(bytesOfId * batch).toString('hex');
      next = 0;
    }
    const begin = next;
    next += bytesOfId * 2;
    return pool.slice(begin, next);
  };
}
