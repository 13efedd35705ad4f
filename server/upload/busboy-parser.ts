/** Parses multipart forms with busboy. Every work-around for busboy is in this file. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import busboy from 'busboy';
import { errorMessage } from '../../model/error-message.js';
import { accept, refuse, type Result } from '../../model/result.js';
import type { ServerLimits } from '../config/limits.js';
import { findForeignPart, PartHeaders } from './part-headers.js';
import type { UploadRefusal } from './upload-refusal.js';

export interface FilePart {
  /** the name of its form field */
  readonly field: string;
  /** as sent, with any characters; undefined if the part has none */
  readonly fileName: string | undefined;
}

export interface FormHandlers {
  readonly field: (name: string, value: string) => void;
  /** must read `stream` to its end, or call stop() */
  readonly file: (part: FilePart, stream: Readable) => void;
  /** called for a part that is not allowed or cannot be parsed; parsing continues until stop() */
  readonly refused: (refusal: UploadRefusal) => void;
  readonly end: () => void;
}

export interface FormParser {
  readonly start: (request: IncomingMessage) => void;
  /** Stops parsing. No handler is called after it. */
  readonly stop: () => void;
}

/** Returns a parser for a form with these headers. Refuses a Content-Type other than that of a form. */
export function createFormParser(
  headers: IncomingHttpHeaders,
  limits: ServerLimits,
  handlers: FormHandlers,
): Result<FormParser, UploadRefusal> {
  let parser: busboy.Busboy;
  try {
    parser = busboy(busboyConfig(headers, limits));
  } catch (error) {
    // busboy throws from its constructor.
    return refuse({ kind: 'malformed-form', reason: errorMessage(error) });
  }
  let request: IncomingMessage | undefined;
  let isStopped = false;
  // busboy passes over a part whose headers it does not understand, and reports nothing.
  const headersOfParts = new PartHeaders(boundaryOf(headers), limits.fields + limits.files + 2);
  const names: string[] = [];
  const watch = (chunk: Buffer): void => {
    headersOfParts.push(chunk);
  };
  parser.on('field', (name, value, info) => {
    // Undefined if the part has no name, although busboy's types say otherwise.
    const known = name as string | undefined;
    names.push(known ?? '');
    if (known === undefined) handlers.refused({ kind: 'unnamed-part' });
    // busboy truncates what is too long, and only reports it here.
    else if (info.nameTruncated || info.valueTruncated) {
      handlers.refused({ kind: 'part-too-large', what: 'field', name: known, maxBytes: limits.fieldBytes });
    } else handlers.field(known, value);
  });
  parser.on('file', (name, stream, info) => {
    // The error of a stream that is cut short would end the process if nothing listened for it.
    stream.on('error', () => undefined);
    // After destroy(), busboy still parses the rest of the chunk. A file that starts there never ends, and its reader
    // would wait until the client times out.
    if (isStopped) {
      stream.resume();
      return;
    }
    // Both are undefined if the part has none, although busboy's types say otherwise.
    const field = (name as string | undefined) ?? '';
    names.push(field);
    handlers.file({ field, fileName: (info as { filename?: string }).filename }, stream);
  });
  const tooMany = (what: 'files' | 'fields' | 'parts', max: number) => (): void => {
    handlers.refused({ kind: 'too-many-parts', what, max });
  };
  parser.on('filesLimit', tooMany('files', limits.files));
  parser.on('fieldsLimit', tooMany('fields', limits.fields));
  parser.on('partsLimit', tooMany('parts', limits.fields + limits.files));
  parser.on('error', (error) => {
    handlers.refused({ kind: 'malformed-form', reason: errorMessage(error) });
  });
  parser.on('close', () => {
    const part = isStopped ? undefined : findForeignPart(headersOfParts.parts(), names);
    if (part !== undefined) handlers.refused({ kind: 'part-not-understood', part });
    handlers.end();
  });
  return accept({
    start: (source: IncomingMessage): void => {
      request = source;
      source.on('data', watch);
      source.pipe(parser);
    },
    stop: (): void => {
      isStopped = true;
      request?.off('data', watch);
      request?.unpipe(parser);
      parser.destroy();
    },
  });
}

function busboyConfig(headers: IncomingHttpHeaders, limits: ServerLimits): busboy.BusboyConfig {
  return {
    headers,
    // By default busboy reduces a path to its last part, and decodes names as latin1. Soil refuses a name with a path.
    preservePath: true,
    defParamCharset: 'utf8',
    limits: {
      fieldNameSize: 100,
      fieldSize: limits.fieldBytes,
      fields: limits.fields,
      files: limits.files,
      // One more, so that the limits of fields and files are reported first: busboy counts a part before it knows its
      // kind.
      parts: limits.fields + limits.files + 1,
      // busboy truncates a longer file. One more byte, so that the reader of the file sees that it is too large.
      fileSize: Math.max(limits.wwzBytes, limits.tsvBytes, limits.jsonBytes) + 1,
      headerPairs: 50,
    },
  };
}

/** Returns the boundary that busboy uses too; it has refused headers without one. */
function boundaryOf({ 'content-type': type = '' }: IncomingHttpHeaders): string {
  const [, quoted, plain] = /;\s*boundary=(?:"((?:[^"\\]|\\.)*)"|([^;\s]*))/i.exec(type) ?? [];
  return quoted?.replace(/\\(.)/g, '$1') ?? plain ?? '';
}
