/** A multipart request -> its fields as text and its files on disk, every limit enforced while the bytes come in. */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import busboy from 'busboy';
import { errorMessage } from '../../model/error-message.js';
import { quote, type Result } from '../../model/result.js';
import { problem, type HttpResponse } from '../http/response.js';
import type { ServerLimits } from '../config/limits.js';
import type { QuotaReservation } from './quota.js';

export interface FilePart {
  /** the form's name for it */
  readonly field: string;
  /** as sent: may hold anything */
  readonly fileName: string | undefined;
}

/** Where a file goes and how large it may be. */
export interface FilePlan {
  readonly path: string;
  readonly maxBytes: number;
}

export interface FormFields {
  readonly ok: true;
  readonly fields: readonly (readonly [string, string])[];
  readonly bytes: number;
  /** SHA-256 of each file, in hexadecimal, by its path */
  readonly digests: ReadonlyMap<string, string>;
}

export type ReceivedForm = FormFields | { readonly ok: false; readonly answer: HttpResponse };

/**
 * Receives a form. `plan` decides on each file before a byte of it is stored; files are on the disk, synced, when this
 * returns. After a refusal the request may have unread bytes; what was stored is the caller's to remove.
 */
export function receiveForm(request: IncomingMessage, options: FormReaderOptions): Promise<ReceivedForm> {
  const { limits } = options;
  const declared = Number(request.headers['content-length'] ?? '0');
  if (declared > limits.bodyBytes) return Promise.resolve({ ok: false, answer: bodyTooLarge(limits) });
  let parser: busboy.Busboy;
  try {
    parser = busboy({
      headers: request.headers,
      // A name with a path is refused, not quietly shortened to its last part.
      preservePath: true,
      defParamCharset: 'utf8',
      limits: {
        fieldNameSize: 100,
        fieldSize: limits.fieldBytes,
        fields: limits.fields,
        files: limits.files,
        parts: limits.fields + limits.files + 1,
        fileSize: largestFile(limits) + 1,
        headerPairs: 50,
      },
    });
  } catch (error) {
    return Promise.resolve({
      ok: false,
      answer: problem(400, `cannot read the form: ${errorMessage(error)}`),
    });
  }
  return new FormReader(request, parser, options).read();
}

const largestFile = (limits: ServerLimits): number =>
  Math.max(limits.wwzBytes, limits.tsvBytes, limits.jsonBytes);

const bodyTooLarge = (limits: ServerLimits): HttpResponse =>
  problem(413, `cannot accept the body: it has more than ${limits.bodyBytes} bytes`);

export interface FormReaderOptions {
  readonly plan: (part: FilePart) => Result<FilePlan>;
  readonly limits: ServerLimits;
  readonly room: QuotaReservation;
}

/** One form under way. The first thing that goes wrong ends it. */
class FormReader {
  readonly #request: IncomingMessage;
  readonly #parser: busboy.Busboy;
  readonly #options: FormReaderOptions;
  readonly #fields: [string, string][] = [];
  readonly #writes: Promise<void>[] = [];
  readonly #digests = new Map<string, string>();
  #bytes = 0;
  #failure: { readonly answer: HttpResponse } | { readonly error: unknown } | undefined;
  #stop: () => void = () => undefined;

  constructor(request: IncomingMessage, parser: busboy.Busboy, options: FormReaderOptions) {
    this.#request = request;
    this.#parser = parser;
    this.#options = options;
  }

  async read(): Promise<ReceivedForm> {
    const { limits, room } = this.#options;
    const count = (chunk: Buffer): void => {
      this.#bytes += chunk.length;
      const answer = this.#bytes > limits.bodyBytes ? bodyTooLarge(limits) : room.extend(this.#bytes);
      if (answer !== undefined) this.#refuse(answer);
    };
    const gone = (): void => {
      if (this.#request.readableEnded) return;
      this.#refuse(problem(400, 'cannot read the form: the connection ended within it'));
    };
    // A client may have left while its token was looked up: then no event tells of it any more.
    if (this.#request.destroyed) gone();
    this.#request.on('data', count);
    this.#request.once('close', gone);
    await new Promise<void>((resolve) => {
      this.#stop = resolve;
      this.#parser.on('field', (name, value, info) => {
        this.#takeField(name, value, info);
      });
      this.#parser.on('file', (field, stream, info) => {
        // A part without a name has no field, whatever busboy's types say.
        const named = (field as string | undefined) ?? '';
        this.#takeFile({ field: named, fileName: (info as { filename?: string }).filename }, stream);
      });
      this.#parser.on('error', (error) => {
        this.#refuse(problem(400, `cannot read the form: ${errorMessage(error)}`));
      });
      this.#parser.on('filesLimit', () => {
        this.#refuse(problem(413, `cannot accept the form: it has more than ${limits.files} files`));
      });
      this.#parser.on('partsLimit', () => {
        this.#refuse(
          problem(413, `cannot accept the form: it has more than ${limits.fields + limits.files} parts`),
        );
      });
      this.#parser.on('fieldsLimit', () => {
        this.#refuse(problem(413, `cannot accept the form: it has more than ${limits.fields} fields`));
      });
      this.#parser.on('close', resolve);
      if (this.#failure === undefined) this.#request.pipe(this.#parser);
      else resolve();
    });
    this.#request.off('data', count);
    this.#request.off('close', gone);
    await Promise.allSettled(this.#writes);
    if (this.#failure === undefined) {
      return { ok: true, fields: this.#fields, bytes: this.#bytes, digests: this.#digests };
    }
    if ('answer' in this.#failure) return { ok: false, answer: this.#failure.answer };
    throw this.#failure.error;
  }

  #refuse(answer: HttpResponse): void {
    this.#fail({ answer });
  }

  #fail(failure: { readonly answer: HttpResponse } | { readonly error: unknown }): void {
    if (this.#failure !== undefined) return;
    this.#failure = failure;
    this.#request.unpipe(this.#parser);
    this.#parser.destroy();
    this.#stop();
  }

  #takeField(name: string | undefined, value: string, info: busboy.FieldInfo): void {
    if (name === undefined) {
      this.#refuse(problem(400, 'cannot accept the form: a part of it has no name'));
      return;
    }
    if (info.nameTruncated || info.valueTruncated) {
      this.#refuse(
        problem(
          413,
          `cannot accept field ${quote(name)}: it has more than ${this.#options.limits.fieldBytes} bytes`,
        ),
      );
      return;
    }
    this.#fields.push([name, value]);
  }

  #takeFile(part: FilePart, stream: Readable & { truncated?: boolean }): void {
    // Without a listener the error of a stream that is cut short would end the process.
    stream.on('error', () => undefined);
    // The parser goes on to the end of a chunk after it was destroyed. A file that begins there and is cut short has
    // nobody left to end it, so that whoever waits for it waits until the client is cut.
    if (this.#failure !== undefined) {
      stream.resume();
      return;
    }
    const plan = this.#options.plan(part);
    if (!plan.ok) {
      stream.resume();
      this.#refuse(problem(400, plan.error));
      return;
    }
    const write = this.#store(part, stream, plan.value).catch((error: unknown) => {
      this.#fail({ error });
    });
    this.#writes.push(write);
  }

  async #store(part: FilePart, stream: Readable, { path, maxBytes }: FilePlan): Promise<void> {
    const handle = await open(path, 'wx', 0o644);
    const hash = createHash('sha256');
    let bytes = 0;
    try {
      for await (const chunk of stream as AsyncIterable<Buffer>) {
        bytes += chunk.length;
        if (bytes > maxBytes) {
          this.#refuse(
            problem(413, `cannot accept file ${quote(part.field)}: it has more than ${maxBytes} bytes`),
          );
          return;
        }
        hash.update(chunk);
        await handle.writeFile(chunk);
      }
      if (this.#failure === undefined) await handle.sync();
      this.#digests.set(path, hash.digest('hex'));
    } catch (error) {
      // A stream that was cut short because the form was refused is no error of its own.
      if (this.#failure === undefined && !stream.destroyed) throw error;
      if (isDiskError(error)) throw error;
    } finally {
      await handle.close();
    }
  }
}

const isDiskError = (error: unknown): boolean => (error as NodeJS.ErrnoException).syscall !== undefined;
