/** Names of entries in a wwz: text -> a relative path that is safe in any folder and any URL, or a refusal. */
import { accept, quote, refuse, type Result } from '../model/result.js';

/** A path inside a wwz: `/` between segments, none of them empty, `.` or `..`; at most 1,000 bytes of UTF-8. */
export function parseEntryName(name: string): Result<string> {
  const because = (reason: string) => refuse(`cannot accept entry ${quote(name, 200)}: ${reason}`);
  if (name === '') return because('its name is empty');
  if (Buffer.byteLength(name) > 1000) return because('its name is longer than 1000 bytes');
  if (name.startsWith('/')) return because('its path is absolute');
  if (/^[A-Za-z]:/.test(name)) return because('its path begins with a drive letter');
  if (name.includes('\\')) return because('its name has a backslash');
   
  if (/[\u0000-\u001f\u007f-\u009f]/.test(name)) return because('its name has a control character');
  if (/\p{Surrogate}|\ufffd/u.test(name)) return because('its name is not valid UTF-8');
  for (const segment of name.replace(/\/$/, '').split('/')) {
    if (segment === '' || segment === '.' || segment === '..') {
      return because(`its path has a segment ${quote(segment)}`);
    }
  }
  return accept(name);
}
