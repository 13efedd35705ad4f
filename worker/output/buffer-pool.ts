/** Buffers that all logs of this process share. Fresh memory costs a page fault every 4 KiB, as much as the search in it. */

/** The size of a large write. */
export const bufferBytes = 1024 * 1024;
/** Beyond this many large buffers, logs get small ones: 2,000 background processes can print at the same time. */
const maxLargeBuffers = 64;
const maxSpareBuffers = 4;

const spare: Buffer[] = [];
const inUse = new Set<Buffer>();

/** Returns a buffer of at least `minBytes`, usually of 1 MiB. Its content is arbitrary. */
export function takeBuffer(minBytes: number): Buffer {
  if (minBytes > bufferBytes || inUse.size >= maxLargeBuffers) return Buffer.allocUnsafeSlow(minBytes);
  const buffer = spare.pop() ?? Buffer.allocUnsafeSlow(bufferBytes);
  inUse.add(buffer);
  return buffer;
}

/** Takes back a buffer of takeBuffer() that nothing uses anymore. */
export function returnBuffer(buffer: Buffer): void {
  if (inUse.delete(buffer) && spare.length < maxSpareBuffers) spare.push(buffer);
}
