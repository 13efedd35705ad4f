/** The result of a benchmark: our figure and a peer's, measured in the same minute. */
export interface BenchResult {
  /** what was measured */
  readonly name: string;
  readonly ours: number;
  readonly peer: number;
  /** of both figures */
  readonly unit: string;
  readonly peerName: string;
  /** the documented goal, in words */
  readonly target: string;
}
