/** What a benchmark measured: our figure beside a peer's, taken in the same minute. */
export interface BenchResult {
  /** the work */
  readonly name: string;
  readonly ours: number;
  readonly peer: number;
  /** of both figures */
  readonly unit: string;
  readonly peerName: string;
  /** what docs ask for, in words */
  readonly target: string;
}
