/** A multipart request -> files in the staging folder and plain fields, every limit enforced while it streams. */
import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import busboy from 'busboy';
import { quote } from '../model/result.js';
import type { Limits } from './limits.js';
import { answer, diskRefusal, refuseWith, type Answered, type Refusal } from './refusal.js';

export interface StagedFile {
  /** the form's field */
  readonly field: string;
  /** as the client named it: untrusted, never a path */
  readonly clientName: string;
  readonly path: string;
  readonly bytes: number;
}

export interface StagedUpload {
  readonly files: readonly StagedFile[];
  readonly fields: ReadonlyMap<string, string>;
  /** removes what is still in staging */
  discard(): Promise<void>;
}

export interface FormRules {
  readonly staging: string;
  readonly limits: Limits;
  /** how many bytes a file field may have; a field without a limit is refused */
  readonly fileLimit: (field: string, clientName: string) => number | undefined;
  readonly maxFiles: number;
}

/** Receives a form. On a refusal nothing is left in staging. */
export async function receiveForm(
  request: IncomingMessage,
  rules: FormRules,
): Promise<Answered<StagedUpload>> {
  const folder = join(rules.staging, randomBytes(12).toString('hex'));
  const discard = () => rm(folder, { recursive: true, force: true });
  try {
    await mkdir(folder, { mode: 0o700 });
    const received = await readForm(request, folder, rules);
    if (!received.ok) await discard();
    return received.ok ? answer({ ...received.value, discard }) : received;
  } catch (error) {
    await discard();
    const refusal = diskRefusal(error);
    if (refusal !== undefined) return refusal;
    throw error;
  }
}

type Received = Omit<StagedUpload, 'discard'>;

async function readForm(
  request: IncomingMessage,
  folder: string,
  rules: FormRules,
): Promise<Answered<Received>> {
  const { limits } = rules;
  let form: busboy.Busboy;
  try {
    form = busboy({
      headers: request.headers,
      defParamCharset: 'utf8',
      preservePath: true,
      limits: {
        fieldSize: limits.fieldBytes,
        fields: limits.fields,
        files: rules.maxFiles,
        fieldNameSize: 100,
      },
    });
  } catch (error) {
    return refuseWith(400, `cannot read the form: ${(error as Error).message}`);
  }
  const files: StagedFile[] = [];
  const fields = new Map<string, string>();
  const writes: Promise<void>[] = [];
  let refusal: Refusal | undefined;
  let failure: unknown;
  const stop = (why: Refusal) => {
    refusal ??= why;
  };

  form.on('field', (name, value, info) => {
    if (info.nameTruncated || info.valueTruncated)
      stop(refuseWith(413, `cannot accept field ${quote(name)}: it is too long`));
    if (fields.has(name)) stop(refuseWith(400, `cannot accept field ${quote(name)}: it comes twice`));
    fields.set(name, value);
  });
  form.on('file', (field, stream, info) => {
    const clientName = info.filename ?? '';
    const limit = rules.fileLimit(field, clientName);
    if (limit === undefined) stop(refuseWith(400, `cannot accept file field ${quote(field)}: no such field`));
    if (files.some((file) => file.field === field))
      stop(refuseWith(400, `cannot accept file field ${quote(field)}: it comes twice`));
    if (refusal !== undefined || limit === undefined) {
      stream.resume();
      return;
    }
    const path = join(folder, String(files.length));
    const at = files.push({ field, clientName, path, bytes: 0 }) - 1;
    const write = storeFile(stream, path, limit).then((bytes) => {
      if (bytes === undefined)
        stop(refuseWith(413, `cannot accept file ${quote(field)}: it is larger than ${limit} bytes`));
      else files[at] = { field, clientName, path, bytes };
    });
    writes.push(
      write.catch((error: unknown) => {
        failure ??= error;
        stream.resume();
      }),
    );
  });
  form.on('filesLimit', () => {
    stop(refuseWith(413, `cannot accept the form: more than ${rules.maxFiles} files`));
  });
  form.on('fieldsLimit', () => {
    stop(refuseWith(413, `cannot accept the form: more than ${limits.fields} fields`));
  });
  try {
    await pipeline(request, form);
  } catch (error) {
    stop(refuseWith(400, `cannot read the form: ${(error as Error).message}`));
  }
  await Promise.all(writes);
  const full = diskRefusal(failure);
  if (full !== undefined) return full;
  if (refusal !== undefined) return refusal;
  if (failure !== undefined) return refuseWith(400, `cannot read the form: ${(failure as Error).message}`);
  return answer({ files, fields });
}

/** Streams a part to disk; undefined where it is larger than its limit: the rest is read and thrown away. */
async function storeFile(stream: Readable, path: string, limit: number): Promise<number | undefined> {
  let bytes = 0;
  await pipeline(
    stream,
    async function* (source: AsyncIterable<Buffer>) {
      for await (const chunk of source) {
        bytes += chunk.length;
        if (bytes <= limit) yield chunk;
      }
    },
    createWriteStream(path, { mode: 0o600 }),
  );
  return bytes <= limit ? bytes : undefined;
}
