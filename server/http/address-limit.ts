/** Limits how many connections one address has at the same time, so that one client cannot use up all of them. */
import { isIPv6, type Socket } from 'node:net';

/** Connections that a client opens again after this many seconds are likely to be accepted. */
const retrySeconds = 5;

/** Counts the open connections of each address. */
export class AddressLimit {
  readonly #counts = new Map<string, number>();
  readonly #refused = new WeakSet<Socket>();

  constructor(private readonly maxPerAddress: number) {}

  /** Reports whether a connection was refused: nothing that it sends is for the server. */
  isRefused(socket: Socket): boolean {
    return this.#refused.has(socket);
  }

  /** Counts a new connection. If its address has too many, sends 429 and ends it. */
  add(socket: Socket): void {
    const address = clientOf(socket.remoteAddress ?? '');
    const count = (this.#counts.get(address) ?? 0) + 1;
    if (count > this.maxPerAddress) {
      this.#refused.add(socket);
      socket.end(refusal(this.maxPerAddress));
      // A client that never closes its side would hold the connection until the idle time.
      setTimeout(() => socket.destroy(), 1000).unref();
      return;
    }
    this.#counts.set(address, count);
    socket.once('close', () => {
      const left = (this.#counts.get(address) ?? 1) - 1;
      if (left === 0) this.#counts.delete(address);
      else this.#counts.set(address, left);
    });
  }
}

/** Returns the address of a client; of IPv6 the first 64 bits, since one machine can use all addresses that share them. */
export function clientOf(address: string): string {
  const v4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (v4 !== undefined) return v4;
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.replace(/%.*$/, '').split('::');
  const groups = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array.from({ length: Math.max(0, 8 - groups.length - after.length) }, () => '0');
  return [...groups, ...zeros, ...after]
    .slice(0, 4)
    .map((group) => parseInt(group, 16).toString(16))
    .join(':');
}

function refusal(max: number): string {
  const body = `cannot accept another connection from this address: it has ${max} open\n`;
  return [
    'HTTP/1.1 429 Too Many Requests',
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    `Retry-After: ${retrySeconds}`,
    'Connection: close',
    '',
    body,
  ].join('\r\n');
}
