/** Runs that somebody pinned by hand, in a file of the site's private folder; a running server reads it at each prune. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import type { PrivateFolder } from '../disk/private-folder.js';
import { parseRunPin, pinText, type RunPin } from '../config/retention-policy.js';
import { takeLock } from '../disk/site-lock.js';
import { writeWhole, isMissing } from '../../files/atomic-file.js';

const pinFile = ({ root }: PrivateFolder): string => join(root, 'pins.json');

/** Throws where the file is there and cannot be read: then nobody knows what must stay. */
export async function readPins(own: PrivateFolder): Promise<readonly RunPin[]> {
  const text = await readFile(pinFile(own), 'utf8').catch((error: unknown) => {
    if (isMissing(error)) return '{"pins":[]}';
    throw error;
  });
  const { pins } = JSON.parse(text) as { readonly pins?: unknown };
  if (!Array.isArray(pins)) throw new Error(`cannot read ${quote(pinFile(own))}: it has no list of pins`);
  return pins.map((pin) => {
    const parsed = parseRunPin(String(pin), 'pin');
    if (!parsed.ok) throw new Error(`cannot read ${quote(pinFile(own))}: ${parsed.error}`);
    return parsed.value;
  });
}

/** Adds or takes away a pin; refuses where somebody else is doing so now. Tells whether something changed. */
export async function changePin(
  own: PrivateFolder,
  pin: RunPin,
  { isPinned }: { readonly isPinned: boolean },
): Promise<Result<boolean>> {
  const lock = await takeLock(join(own.root, 'pins.lock'), 'the pins');
  if (!lock.ok) return refuse(lock.error);
  try {
    const pins = (await readPins(own)).map(pinText);
    const others = pins.filter((other) => other !== pinText(pin));
    if (others.length < pins.length === isPinned) return accept(false);
    const after = isPinned ? [...others, pinText(pin)].sort() : others;
    await writeWhole(pinFile(own), `${JSON.stringify({ pins: after }, null, 2)}\n`, {
      sync: true,
      mode: 0o600,
    });
    return accept(true);
  } finally {
    await lock.value.release();
  }
}
