/** Redacts results: copies text files without their secrets, and leaves out binary files with secrets. */
import { open, type FileHandle } from 'node:fs/promises';
import { quote } from '../../model/result.js';
import { StreamRedactor } from '../output/stream-redactor.js';
import type { Redactor } from '../redact/redactor.js';
import type { ResultFile } from './result-files.js';

export interface RedactedResults {
  readonly files: readonly ResultFile[];
  readonly notices: readonly string[];
}

const chunkBytes = 1024 * 1024;

/** Redacts the results. Never changes a file of the repo. `copyAt` returns the path for the copy of the nth result. */
export async function redactResults(
  files: readonly ResultFile[],
  redactor: Redactor,
  copyAt: (n: number) => string,
): Promise<RedactedResults> {
  const redacted: ResultFile[] = [];
  const notices: string[] = [];
  for (const [n, file] of files.entries()) {
    const shown = quote(redactor.redact(file.name));
    if (redactor.redact(file.name) !== file.name) {
      notices.push(`cannot store result ${shown}: its name contains the value of a secret`);
      continue;
    }
    const copy = copyAt(n);
    const searched = await copyRedacted(file, copy, redactor);
    switch (searched.kind) {
      case 'clean':
        redacted.push({ name: file.name, open: () => openUnchanged(file, searched.version) });
        break;
      case 'redacted':
        redacted.push({ name: file.name, open: () => open(copy, 'r') });
        break;
      case 'binary':
        notices.push(`cannot store result ${shown}: it is a binary file that contains the value of a secret`);
    }
  }
  return { files: redacted, notices };
}

type Searched =
  | { readonly kind: 'clean'; readonly version: string }
  | { readonly kind: 'redacted' }
  | { readonly kind: 'binary' };

/** Returns a text that changes when the content of the file changes. */
async function versionOf(handle: FileHandle): Promise<string> {
  const { dev, ino, size, mtimeNs, ctimeNs } = await handle.stat({ bigint: true });
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
}

/** Opens a file in which no secret was found. Rejects if it changed since. */
async function openUnchanged(file: ResultFile, version: string): Promise<FileHandle> {
  const handle = await file.open();
  if ((await versionOf(handle)) === version) return handle;
  await handle.close();
  throw new Error('it changed after it was searched for secrets');
}

/** Copies a file with its secrets redacted. Most files have none, so it starts the copy at the first secret. */
async function copyRedacted(file: ResultFile, copy: string, redactor: Redactor): Promise<Searched> {
  const source = await file.open();
  let target: FileHandle | undefined;
  try {
    const version = await versionOf(source);
    const buffer = Buffer.allocUnsafeSlow(chunkBytes + redactor.maxMatchBytes);
    const stream = new StreamRedactor(redactor);
    let isBinary = false;
    let isRedacted = false;
    /** bytes at the start of the buffer that have been read but not written */
    let carried = 0;
    let offset = 0;
    for (let isEnd = false; !isEnd;) {
      const { bytesRead } = await source.read(buffer, carried, chunkBytes, offset);
      isEnd = bytesRead === 0;
      offset += bytesRead;
      const bytes = buffer.subarray(0, carried + bytesRead);
      isBinary ||= bytes.includes(0);
      isRedacted ||= redactor.find(bytes).length > 0;
      if (isBinary && isRedacted) return { kind: 'binary' };
      // A secret may start at the end of the buffer, so that part is searched again with the next chunk.
      const ready = stream.redact(bytes, isEnd);
      if (isRedacted && target === undefined) {
        target = await open(copy, 'w+', 0o600);
        await copyStart(source, target, offset - bytes.length);
      }
      await target?.write(bytes, 0, ready);
      carried = bytes.length - ready;
      bytes.copyWithin(0, ready);
    }
    return isRedacted ? { kind: 'redacted' } : { kind: 'clean', version };
  } finally {
    await source.close();
    await target?.close();
  }
}

async function copyStart(source: FileHandle, target: FileHandle, length: number): Promise<void> {
  const buffer = Buffer.allocUnsafeSlow(chunkBytes);
  for (let at = 0; at < length;) {
    const { bytesRead } = await source.read(buffer, 0, Math.min(chunkBytes, length - at), at);
    if (bytesRead === 0) return;
    await target.write(buffer, 0, bytesRead);
    at += bytesRead;
  }
}
