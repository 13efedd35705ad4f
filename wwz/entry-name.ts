/** Names of entries inside a wwz: raw bytes or text -> a name that is safe as a path and in a URL, or a refusal. */
import { accept, quote, refuse, type Result } from '../model/result.js';

/** A whole name in UTF-8. More than any path of a job needs, and far below what file systems accept. */
export const nameByteLimit = 1024;
/** What Linux file systems accept for one name between slashes. */
const segmentByteLimit = 255;

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Reads a name as a zip's header has it. Zips made in the C locale leave the UTF-8 flag away although the bytes are
 * UTF-8, so the bytes decide and not the flag; anything else is refused, since each program would guess differently.
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

/** The rule for names, the same for writing and for verifying. A folder's name ends in one slash. */
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
  if (/^[A-Za-z]:/.test(name)) return because('its name begins with a drive letter');
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

/** Orders names by the bytes of their UTF-8, as every machine does, whatever its locale. */
export function compareNames(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/**
 * The first two names that cannot live in one folder tree: the same name twice, or a file `a` beside `a/b`. Names of
 * folders end in a slash. Sorts by parts, so that a file would stand right before what pretends to be inside it.
 */
export function findNameClash(names: readonly string[]): readonly [string, string] | undefined {
  // NUL sorts before every character that a name may have.
  const keys = names.map((name) => name.replaceAll('/', '\0')).sort();
  for (let i = 1; i < keys.length; i++) {
    const before = keys[i - 1] ?? '';
    const key = keys[i] ?? '';
    const isInsideFile = !before.endsWith('\0') && key.startsWith(`${before}\0`);
    if (key === before || isInsideFile) return [before.replaceAll('\0', '/'), key.replaceAll('\0', '/')];
  }
  return undefined;
}
