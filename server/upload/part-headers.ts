/** Finds the headers of each part of a multipart body, to notice parts that the parser passes over. */

/** Enough for the headers of any part that a client of Soil sends. */
const maxHeaderBytes = 2048;

/** Reads a multipart body in chunks, beside the parser. Content of parts cannot contain the delimiter (RFC 2046, 5.1.1). */
export class PartHeaders {
  readonly #delimiter: Buffer;
  readonly #maxParts: number;
  readonly #parts: Buffer[] = [];
  /** the end of what was read, where a delimiter may have begun */
  #tail = Buffer.from('\r\n');
  #isOpen = false;

  /** Keeps the headers of at most `maxParts` parts. */
  constructor(boundary: string, maxParts: number) {
    this.#delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1');
    this.#maxParts = maxParts;
  }

  push(chunk: Buffer): void {
    const { length } = this.#delimiter;
    let from = 0;
    const joint = Buffer.concat([this.#tail, chunk.subarray(0, length)]);
    const across = joint.indexOf(this.#delimiter);
    if (across >= 0 && across < this.#tail.length) {
      from = across + length - this.#tail.length;
      this.#begin();
    }
    for (;;) {
      const at = chunk.indexOf(this.#delimiter, from);
      this.#keep(chunk.subarray(from, at < 0 ? undefined : at));
      if (at < 0) break;
      from = at + length;
      this.#begin();
    }
    this.#tail = Buffer.concat([this.#tail, chunk.subarray(-length)]).subarray(-(length - 1));
  }

  /** Returns the headers of each part, in their order, without the end of the body. Call it when the body is complete. */
  parts(): readonly string[] {
    return this.#parts
      .map((bytes) => bytes.toString('utf8').split('\r\n\r\n', 1)[0] ?? '')
      .filter((text) => !text.startsWith('--'));
  }

  #begin(): void {
    this.#isOpen = this.#parts.length < this.#maxParts;
    if (this.#isOpen) this.#parts.push(Buffer.alloc(0));
  }

  #keep(bytes: Buffer): void {
    const index = this.#parts.length - 1;
    const kept = this.#parts[index];
    if (!this.#isOpen || kept === undefined) return;
    const longer = Buffer.concat([kept, bytes.subarray(0, maxHeaderBytes - kept.length)]);
    this.#parts[index] = longer;
    this.#isOpen = longer.length < maxHeaderBytes;
  }
}

/**
 * Returns the first part that was not understood, by the names of those that were, in their order; undefined if there is
 * none. A part with a transfer encoding would be stored encoded, and one with two dispositions could mean either.
 */
export function findForeignPart(parts: readonly string[], names: readonly string[]): string | undefined {
  let next = 0;
  for (const part of parts) {
    const lines = part.split('\r\n').filter((line) => line !== '');
    const dispositions = lines.filter((line) => /^content-disposition:/i.test(line));
    const encoding = lines.find((line) => /^content-transfer-encoding:/i.test(line));
    const isEncoded = encoding !== undefined && !/:\s*(7bit|8bit|binary)\s*$/i.test(encoding);
    const isOdd = dispositions.length !== 1 || isEncoded || lines.some((line) => /^\s/.test(line));
    const name = names[next];
    if (isOdd || name === undefined || !part.includes(name)) return lines[0] ?? '(no headers)';
    next++;
  }
  return undefined;
}
