/** A bad network for tests: a TCP proxy before a real server that drops, slows, stalls, changes or answers in its place. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** What happens to one connection. */
export type ConnectionFault =
  | { readonly kind: 'pass' }
  /** ends it as soon as it is there */
  | { readonly kind: 'drop' }
  /** ends it after so many bytes of the client's */
  | { readonly kind: 'cut-request'; readonly bytes: number }
  /** lets the whole request through, and ends it after so many bytes of the answer */
  | { readonly kind: 'cut-answer'; readonly bytes: number }
  /** takes everything, and never answers */
  | { readonly kind: 'stall' }
  /** hands on so many bytes at a time, ten times a second */
  | { readonly kind: 'slow'; readonly bytes: number }
  /** a proxy's own answer, as it is on the wire */
  | { readonly kind: 'answer'; readonly text: string }
  /** one byte of the answer's last part is another */
  | { readonly kind: 'corrupt' };

export interface FaultyProxy {
  /** ends in a slash */
  readonly url: string;
  /** how many connections there were */
  readonly connections: () => number;
  readonly close: () => Promise<void>;
}

export const unavailable: ConnectionFault = {
  kind: 'answer',
  text: 'HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/html\r\nContent-Length: 22\r\nConnection: close\r\n\r\n<h1>Unavailable</h1>\r\n',
};

/** `fateOf` is asked for each connection, counted from 1; `server` may be nobody yet. */
export async function startFaultyProxy(
  server: () => string | undefined,
  fateOf: (connection: number) => ConnectionFault,
): Promise<FaultyProxy> {
  let count = 0;
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    return socket;
  };
  const proxy = createServer((client) => {
    keep(client);
    const fate = fateOf(++count);
    const target = server();
    if (fate.kind === 'drop' || target === undefined) return void client.destroy();
    if (fate.kind === 'stall') return void client.resume();
    if (fate.kind === 'answer') {
      client.once('data', () => {
        client.resume().end(fate.text);
      });
      return undefined;
    }
    const upstream = keep(connect(Number(new URL(target).port), '127.0.0.1'));
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.end());
    hand(client, upstream, fate.kind === 'cut-request' ? fate.bytes : Infinity, fate);
    hand(upstream, client, fate.kind === 'cut-answer' ? fate.bytes : Infinity, fate);
    return undefined;
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}/`,
    connections: () => count,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        proxy.close(() => {
          resolve();
        });
      }),
  };
}

/** Hands bytes on, at most `limit` of them; then both ends are cut without a word. */
function hand(from: Socket, to: Socket, limit: number, fate: ConnectionFault): void {
  let left = limit;
  from.on('data', (whole: Buffer) => {
    const chunk = whole.subarray(0, Math.min(whole.length, left));
    left -= chunk.length;
    if (fate.kind === 'corrupt' && isAnswer(whole)) flipLast(chunk);
    if (fate.kind === 'slow') {
      from.pause();
      trickle(chunk, to, fate.bytes, () => from.resume());
    } else to.write(chunk);
    if (left <= 0) {
      to.destroy();
      from.destroy();
    }
  });
  from.on('end', () => to.end());
}

const isAnswer = (chunk: Buffer): boolean => chunk.toString('latin1').startsWith('HTTP/1.1 200');

function flipLast(chunk: Buffer): void {
  const at = chunk.length - 1;
  chunk[at] = (chunk[at] ?? 0) ^ 1;
}

function trickle(chunk: Buffer, to: Socket, bytes: number, done: () => void): void {
  if (chunk.length === 0 || to.destroyed) {
    done();
    return;
  }
  to.write(chunk.subarray(0, bytes));
  setTimeout(() => {
    trickle(chunk.subarray(bytes), to, bytes, done);
  }, 100);
}
