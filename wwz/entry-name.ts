/** Parses names of entries. A valid name is safe as a path and in a URL. */
import { accept, quote, refuse, type Result } from '../model/result.js';

/** The limit of a name in UTF-8: longer than paths of jobs, and much shorter than file systems accept. */
export const nameByteLimit = 1024;
/** The limit of Linux file systems for one segment of a path. */
const segmentByteLimit = 255;

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Parses a name from a zip's header. Zips made in the C locale lack the UTF-8 flag although the names are UTF-8, so the
 * flag is ignored. Other encodings are refused, since every program would guess a different one.
 */
export function parseEntryName(bytes: Uint8Array): Result<string> {
  let name: string;
  try {
    name = strictUtf8.decode(bytes);
  } catch {
    return refuse(
      `cannot accept entry ${quote(Buffer.from(bytes).toString('latin1'))}: its name is not UTF-8`,
    );
  }
  return checkEntryName(name);
}

/** Checks a name for writing and for verification. A folder's name ends with one slash. */
export function checkEntryName(name: string): Result<string> {
  const because = (reason: string) => refuse(`cannot accept entry ${quote(name)}: ${reason}`);
  if (name === '') return because('its name is empty');
  if (/\p{Surrogate}/u.test(name)) return because('its name is not Unicode');
  const byteLength = Buffer.byteLength(name);
  if (byteLength > nameByteLimit) {
    return because(`its name has ${byteLength} bytes, more than ${nameByteLimit}`);
  }
  if (/[\u0000-\u001f\u007f-\u009f]/.test(name)) return because('its name has a control character');
  if (name.includes('\\')) return because('its name has a backslash');
  if (name.startsWith('/')) return because('its name is an absolute path');
  if (/^[A-Za-z]:/.test(name)) return because('its name starts with a drive letter');
  const path = name.endsWith('/') ? name.slice(0, -1) : name;
  for (const segment of path.split('/')) {
    if (segment === '') return because('its name has an empty part');
    if (segment === '.' || segment === '..') return because(`its name has the part "${segment}"`);
    if (Buffer.byteLength(segment) > segmentByteLimit) {
      return because(`its name has a part of more than ${segmentByteLimit} bytes`);
    }
  }
  return accept(name);
}

/** Compares names by their UTF-8 bytes, independently of the locale. */
export function compareNames(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/**
 * Returns the first two names that cannot exist in one folder tree: a duplicate, or a file `a` and a name `a/b`. Names of
 * folders end with a slash. Sorts by segments, so that a file `a` is adjacent to the names below `a/`.
 */
export function findNameClash(names: readonly string[]): readonly [string, string] | undefined {
  // NUL sorts before every valid character of a name.
  const keys = names.map((name) => name.replaceAll('/', '\0')).sort();
  for (let i = 1; i < keys.length; i++) {
    const before = keys[i - 1] ?? '';
    const key = keys[i] ?? '';
    const isInsideFile = !before.endsWith('\0') && key.startsWith(`${before}\0`);
    if (key === before || isInsideFile) return [before.replaceAll('\0', '/'), key.replaceAll('\0', '/')];
  }
  return undefined;
}
