/** Turns whatever was thrown into text. */

/** Returns the message of an error, or the thrown value as text. */
export const errorMessage = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
