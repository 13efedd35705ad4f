/** Results that hold secrets: text is redacted in a copy, what is not text is left out; the repo's own files stay as they are. */
import { open, type FileHandle } from 'node:fs/promises';
import { quote } from '../../model/result.js';
import { overwrite, type Redactor } from '../redact/redactor.js';
import type { ResultFile } from './result-files.js';

export interface RedactedResults {
  readonly files: readonly ResultFile[];
  readonly notices: readonly string[];
}

const chunkBytes = 1024 * 1024;

/** `copyAt`: where the nth redacted copy may be written. */
export async function redactResults(
  files: readonly ResultFile[],
  redactor: Redactor,
  copyAt: (n: number) => string,
): Promise<RedactedResults> {
  const kept: ResultFile[] = [];
  const notices: string[] = [];
  for (const [n, file] of files.entries()) {
    const shown = quote(redactor.redact(file.name));
    if (redactor.redact(file.name) !== file.name) {
      notices.push(`cannot keep result ${shown}: its name holds the value of a secret`);
      continue;
    }
    const copy = copyAt(n);
    switch (await copyRedacted(file.path, copy, redactor)) {
      case 'clean':
        kept.push(file);
        break;
      case 'redacted':
        kept.push({ ...file, path: copy });
        break;
      case 'binary':
        notices.push(`cannot keep result ${shown}: it is no text, and holds the value of a secret`);
    }
  }
  return { files: kept, notices };
}

/** Most files hold none: a copy begins where the first secret is found. */
async function copyRedacted(
  path: string,
  copy: string,
  redactor: Redactor,
): Promise<'clean' | 'redacted' | 'binary'> {
  const source = await open(path, 'r');
  let target: FileHandle | undefined;
  try {
    const buffer = Buffer.allocUnsafeSlow(chunkBytes + redactor.maxMatchBytes);
    let isBinary = false;
    let isRedacted = false;
    /** what stands at the buffer's start was read before, and not yet written */
    let carried = 0;
    let at = 0;
    for (let isEnd = false; !isEnd;) {
      const { bytesRead } = await source.read(buffer, carried, chunkBytes, at);
      isEnd = bytesRead === 0;
      at += bytesRead;
      const bytes = buffer.subarray(0, carried + bytesRead);
      isBinary ||= bytes.includes(0);
      const ranges = redactor.find(bytes);
      isRedacted ||= ranges.length > 0;
      if (isBinary && isRedacted) return 'binary';
      for (const range of ranges) overwrite(bytes, range);
      // What a secret may have begun with waits for the next chunk.
      const ready = isEnd ? bytes.length : Math.max(0, bytes.length - redactor.maxMatchBytes);
      if (isRedacted && target === undefined) {
        target = await open(copy, 'w+', 0o600);
        await copyStart(source, target, at - bytes.length);
      }
      await target?.write(bytes, 0, ready);
      carried = bytes.length - ready;
      bytes.copyWithin(0, ready);
    }
    return isRedacted ? 'redacted' : 'clean';
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
