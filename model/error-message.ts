/** Formats errors for messages. */

/** Returns the message of an error. Converts any other thrown value to text. */
export const errorMessage = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** Returns why a file could not be opened. The caller quotes the path, so the message does not repeat it. */
export function fileErrorMessage(error: unknown): string {
  const { code = '' } = error as NodeJS.ErrnoException;
  return fileErrors[code] ?? errorMessage(error);
}

const fileErrors: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EISDIR: 'is a directory',
  ENOTDIR: 'not a directory',
  EACCES: 'permission denied',
};
