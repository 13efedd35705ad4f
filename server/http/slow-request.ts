/** Cuts clients whose body trickles: a request and a limit in, a call when too little came in a while. */
import type { IncomingMessage } from 'node:http';

export interface RateLimits {
  readonly rateBytes: number;
  readonly rateSeconds: number;
}

/** Whether a body follows the head of a request (RFC 9112, 6.3). */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
}

/**
 * Watches a request until its body is complete; the returned function ends the watch. `cut` is called once. A while in
 * which bytes lay here unread is not the client's fault: the disk was slow, or the upload waited for its turn.
 */
export function watchRate(
  request: IncomingMessage,
  { rateBytes, rateSeconds }: RateLimits,
  cut: () => void,
): () => void {
  const { socket } = request;
  let before = socket.bytesRead;
  const timer = setInterval(() => {
    const read = socket.bytesRead;
    const came = read - before;
    before = read;
    if (request.complete || request.destroyed) clearInterval(timer);
    else if (came < rateBytes && request.readableLength === 0 && request.readableFlowing !== null) {
      clearInterval(timer);
      cut();
    }
  }, rateSeconds * 1000);
  timer.unref();
  return () => {
    clearInterval(timer);
  };
}
