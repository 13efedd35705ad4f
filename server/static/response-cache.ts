/** Raw paths -> answers that were given lately, ready to be sent: given again only while their file is what it was. */
import type { ServerResponse } from 'node:http';
import { fileIdentity } from '../../wwz/open.js';
import { matchesAny } from '../http/request-headers.js';
import { hasSettled, isSameStamp, statFile, type FileStamp } from './file-stamp.js';
import type { Exchange, WholeAnswer } from '../http/send-representation.js';

export interface ResponseCacheOptions {
  /** of all answers together, with what belongs to them */
  readonly maxBytes?: number;
  /** of one body; a larger one is read from its file each time */
  readonly maxBodyBytes?: number;
}

/** Where an answer came from. */
export interface AnswerSource {
  /** below the site's root, symlinks not resolved: what the request named */
  readonly file: string;
  /** as it was when the answer was read from it */
  readonly identity: string;
  /** on the clock: when the whole way to it was checked, symlinks and all */
  readonly checked: number;
}

interface HotAnswer {
  readonly file: string;
  readonly sight: FileStamp;
  readonly checked: number;
  readonly tag: string;
  /** names and values in turns; the value of the last, the request's id, is set for each request */
  readonly head: string[];
  readonly unchangedHead: string[];
  readonly body: string | Buffer;
  readonly bytes: number;
  /** the turn of the event loop in which its file was last looked at */
  turn: number;
  /** since it was last passed over for removal */
  isUsed: boolean;
}

/** So long the way to a file (folders and symlinks above it) is taken to be the one that was checked. */
const wayMs = 1000;

/** Up to here a body is held as a string of its bytes: node sends it together with the head, in one write. */
const stringBytes = 15_000;

/** Beside its body: head, sight, and its place in the table. */
const bytesBeside = 2000;

/**
 * The answers to GET and HEAD of one site in one encoding, by the raw path of the request. What is in here was read by
 * an answer that checked everything; it holds bytes, and never opens or follows anything itself.
 */
export class ResponseCache {
  /** those that came or were passed over first come first */
  readonly #answers = new Map<string, HotAnswer>();
  readonly #maxBytes: number;
  readonly #maxBodyBytes: number;
  readonly #clock: () => number;
  #bytes = 0;
  #turn = 0;
  #isTurnCounted = false;

  /** `clock`: milliseconds from any point on; never goes back */
  constructor(
    clock: () => number,
    { maxBytes = 2 ** 24, maxBodyBytes = 2 ** 18 }: ResponseCacheOptions = {},
  ) {
    this.#maxBytes = maxBytes;
    this.#maxBodyBytes = maxBodyBytes;
    this.#clock = clock;
  }

  /** What is held now. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Answers with what is held for a path. False: there is nothing that holds now, and nothing was done. */
  send(path: string, { request, response }: Exchange, id: string): boolean {
    const hot = this.#answers.get(path);
    if (hot === undefined) return false;
    if (!this.#isTrue(hot)) {
      this.#forget(path, hot);
      return false;
    }
    hot.isUsed = true;
    const known = request.headers['if-none-match'];
    if (known !== undefined && matchesAny(known, hot.tag)) {
      response.writeHead(304, withId(hot.unchangedHead, id)).end();
      return true;
    }
    response.writeHead(200, withId(hot.head, id));
    if (request.method === 'HEAD') response.end();
    else if (typeof hot.body === 'string') endAtOnce(response, hot.body);
    else response.end(hot.body);
    return true;
  }

  /** Holds an answer that has just been given, where it is small and its file still is what was read. */
  keep(path: string, answer: WholeAnswer, { file, identity, checked }: AnswerSource): void {
    const { body, tag, headers, unchangedHeaders } = answer;
    if (body.length > this.#maxBodyBytes) return;
    const sight = statFile(file);
    if (sight === undefined || fileIdentity(sight) !== identity || !hasSettled(sight)) return;
    const before = this.#answers.get(path);
    if (before !== undefined) this.#forget(path, before);
    const hot: HotAnswer = {
      ...{ file, sight, checked, tag },
      head: rawHead(headers),
      unchangedHead: rawHead(unchangedHeaders),
      // A copy: what was read may be a piece of something larger.
      body: body.length <= stringBytes ? body.toString('latin1') : Buffer.concat([body]),
      bytes: body.length + 2 * path.length + bytesBeside,
      turn: this.#turn,
      isUsed: false,
    };
    this.#countTurn();
    this.#answers.set(path, hot);
    this.#bytes += hot.bytes;
    this.#makeRoom();
  }

  clear(): void {
    this.#answers.clear();
    this.#bytes = 0;
  }

  /** Requests that are answered in one turn of the event loop came together: they share one look at a file. */
  #isTrue(hot: HotAnswer): boolean {
    if (this.#clock() - hot.checked > wayMs) return false;
    if (hot.turn === this.#turn && this.#isTurnCounted) return true;
    const now = statFile(hot.file);
    if (now === undefined || !isSameStamp(now, hot.sight)) return false;
    this.#countTurn();
    hot.turn = this.#turn;
    return true;
  }

  #countTurn(): void {
    if (this.#isTurnCounted) return;
    this.#isTurnCounted = true;
    setImmediate(this.#endTurn);
  }

  readonly #endTurn = (): void => {
    this.#isTurnCounted = false;
    this.#turn++;
  };

  /** What was used since it was last passed over gets another round. */
  #makeRoom(): void {
    for (const [path, hot] of this.#answers) {
      if (this.#bytes <= this.#maxBytes) return;
      this.#forget(path, hot);
      if (!hot.isUsed) continue;
      hot.isUsed = false;
      this.#answers.set(path, hot);
      this.#bytes += hot.bytes;
    }
  }

  #forget(path: string, hot: HotAnswer): void {
    this.#answers.delete(path);
    this.#bytes -= hot.bytes;
  }
}

function rawHead(headers: Readonly<Record<string, string>>): string[] {
  return [...Object.entries(headers).flat(), 'X-Request-Id', ''];
}

/** Head and body as one string: end() with a body would have the socket gather them from three pieces first. */
function endAtOnce(response: ServerResponse, body: string): void {
  // There is none where an earlier request of its connection is still being answered.
  const { socket } = response;
  // A socket that is corked already is not corked until the end of the turn.
  socket?.cork();
  response.write(body, 'latin1');
  socket?.uncork();
  response.end();
}

/** Node makes the text of a head at once, so that the next request may have the same list. */
function withId(head: string[], id: string): string[] {
  head[head.length - 1] = id;
  return head;
}
