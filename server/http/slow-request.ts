/** Detects requests whose body arrives too slowly. */
import type { IncomingMessage } from 'node:http';

export interface RateLimits {
  readonly rateBytes: number;
  readonly rateSeconds: number;
}

/** Reports whether a body follows the head of a request (RFC 9112, 6.3). */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
}

/**
 * Calls `onSlow` once when fewer than `rateBytes` arrive in `rateSeconds`. Stops when the body is complete, or when the
 * returned function is called. An interval with unread bytes does not count: then the disk is slow, or the upload waits
 * for another.
 */
export function watchRate(
  request: IncomingMessage,
  { rateBytes, rateSeconds }: RateLimits,
  onSlow: () => void,
): () => void {
  const { socket } = request;
  let previous = socket.bytesRead;
  const timer = setInterval(() => {
    const read = socket.bytesRead;
    const received = read - previous;
    previous = read;
    if (request.complete || request.destroyed) clearInterval(timer);
    else if (received < rateBytes && request.readableLength === 0 && request.readableFlowing !== null) {
      clearInterval(timer);
      onSlow();
    }
  }, rateSeconds * 1000);
  timer.unref();
  return () => {
    clearInterval(timer);
  };
}
