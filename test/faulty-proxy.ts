/** A TCP proxy for tests, in front of a real server: it drops, slows, stalls or changes connections, or responds itself. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** What the proxy does with one connection. */
export type ConnectionFault =
  | { readonly kind: 'pass' }
  /** closes it immediately */
  | { readonly kind: 'drop' }
  /** closes it after this many bytes of the request */
  | { readonly kind: 'cut-request'; readonly bytes: number }
  /** closes it after this many bytes of the response */
  | { readonly kind: 'cut-answer'; readonly bytes: number }
  /** reads everything and never responds */
  | { readonly kind: 'stall' }
  /** forwards this many bytes, ten times a second */
  | { readonly kind: 'slow'; readonly bytes: number }
  /** responds with this text, as it is on the wire */
  | { readonly kind: 'answer'; readonly text: string }
  /** changes one byte in the last part of the response */
  | { readonly kind: 'corrupt' };

export interface FaultyProxy {
  /** ends in a slash */
  readonly url: string;
  /** number of connections so far */
  readonly connections: () => number;
  readonly close: () => Promise<void>;
}

export const unavailable: ConnectionFault = {
  kind: 'answer',
  text: 'HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/html\r\nContent-Length: 22\r\nConnection: close\r\n\r\n<h1>Unavailable</h1>\r\n',
};

/** `faultOf` decides about each connection, counted from 1. `server` may be undefined at first. */
export async function startFaultyProxy(
  server: () => string | undefined,
  faultOf: (connection: number) => ConnectionFault,
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
    const fault = faultOf(++count);
    const target = server();
    if (fault.kind === 'drop' || target === undefined) return void client.destroy();
    if (fault.kind === 'stall') return void client.resume();
    if (fault.kind === 'answer') {
      client.once('data', () => {
        client.resume().end(fault.text);
      });
      return undefined;
    }
    const upstream = keep(connect(Number(new URL(target).port), '127.0.0.1'));
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.end());
    forward(client, upstream, fault.kind === 'cut-request' ? fault.bytes : Infinity, fault);
    forward(upstream, client, fault.kind === 'cut-answer' ? fault.bytes : Infinity, fault);
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

/** Forwards at most `limit` bytes, then destroys both sockets. */
function forward(from: Socket, to: Socket, limit: number, fault: ConnectionFault): void {
  let left = limit;
  from.on('data', (whole: Buffer) => {
    const chunk = whole.subarray(0, Math.min(whole.length, left));
    left -= chunk.length;
    if (fault.kind === 'corrupt' && isAnswer(whole)) flipLast(chunk);
    if (fault.kind === 'slow') {
      from.pause();
      sendSlowly(chunk, to, fault.bytes, () => from.resume());
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

function sendSlowly(chunk: Buffer, to: Socket, bytes: number, done: () => void): void {
  if (chunk.length === 0 || to.destroyed) {
    done();
    return;
  }
  to.write(chunk.subarray(0, bytes));
  setTimeout(() => {
    sendSlowly(chunk.subarray(bytes), to, bytes, done);
  }, 100);
}
