/** The result of a benchmark: our figure and a peer's, measured in the same minute. */
export interface BenchResult {
  /** what was measured */
  readonly name: string;
  readonly ours: number;
  /** absent: no peer was run, and no ratio is printed */
  readonly peer?: number;
  readonly peerName?: string;
  /** of both figures */
  readonly unit: string;
  /** the documented goal, in words */
  readonly target: string;
}

/** A part of a benchmark that this machine lacks: an engine, a program, a checkout. */
export interface Missing {
  /** one line */
  readonly missing: string;
}

export const isMissingPart = (value: unknown): value is Missing =>
  typeof value === 'object' && value !== null && 'missing' in value;

/** Returns what `measure` returns, or its error as a missing part of this name, so that the other parts still run. */
export async function orMissing<T>(name: string, measure: () => Promise<T>): Promise<T | Missing> {
  try {
    return await measure();
  } catch (error) {
    const [line = ''] = (error instanceof Error ? error.message : String(error)).trim().split('\n');
    return { missing: `${name}: ${line}` };
  }
}
