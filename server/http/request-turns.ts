/** Makes the requests of a connection wait for each other, so that a client that pipelines them holds one file open. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { HttpExchange } from './response.js';

type Handler = (exchange: HttpExchange) => void;

/** The requests of a connection that wait, oldest first. A connection without an entry has no request in progress. */
type Waiting = HttpExchange[];

/**
 * Returns a function that calls `handle` for one request of a connection at a time. While others wait, nothing more is
 * read from the connection: what waits is at most what one read from the socket holds.
 */
export function inTurns(handle: Handler): (request: IncomingMessage, response: ServerResponse) => void {
  const connections = new WeakMap<Socket, Waiting>();
  const start = (exchange: HttpExchange, waiting: Waiting): void => {
    const { socket } = exchange.request;
    exchange.response.once('close', () => {
      const next = waiting.shift();
      if (next === undefined) {
        connections.delete(socket);
        socket.resume();
      } else if (!socket.destroyed) start(next, waiting);
    });
    handle(exchange);
  };
  return (request, response) => {
    const { socket } = request;
    const waiting = connections.get(socket);
    if (waiting === undefined) {
      const none: Waiting = [];
      connections.set(socket, none);
      start({ request, response }, none);
    } else {
      waiting.push({ request, response });
      socket.pause();
    }
  };
}
