/** What output is given to: a log, or a text that is kept in memory. */

/** Receives bytes. */
export interface OutputSink {
  /**
   * Takes bytes; the caller may reuse their memory. Never throws. Returns false if the caller should stop reading until
   * drained() resolves; the bytes are taken even then.
   */
  write(bytes: Uint8Array): boolean;
  /** Resolves when the sink can take more. Never rejects. */
  drained(): Promise<void>;
}
