/** Stores the runs pinned with `soil-server pin`, in a file of the site's private folder. Each prune reads it. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import type { PrivateFolder } from '../disk/private-folder.js';
import { parseRunPin, pinText, type RunPin } from '../config/retention-policy.js';
import { takeLock } from '../../files/process-lock.js';
import { writeWhole, isMissing } from '../../files/atomic-file.js';

const pinFile = ({ root }: PrivateFolder): string => join(root, 'pins.json');

/** Reads the pins. Throws if the file cannot be read, since a prune could then remove a pinned run. */
export async function readPins(paths: PrivateFolder): Promise<readonly RunPin[]> {
  const text = await readFile(pinFile(paths), 'utf8').catch((error: unknown) => {
    if (isMissing(error)) return '{"pins":[]}';
    throw error;
  });
  const { pins } = JSON.parse(text) as { readonly pins?: unknown };
  if (!Array.isArray(pins)) throw new Error(`cannot read ${quote(pinFile(paths))}: "pins" is not a list`);
  return pins.map((pin) => {
    const parsed = parseRunPin(String(pin), 'pin');
    if (!parsed.ok) throw new Error(`cannot read ${quote(pinFile(paths))}: ${parsed.error}`);
    return parsed.value;
  });
}

/** Adds or removes a pin. Returns whether the pins changed. Refuses while another process changes them. */
export async function changePin(
  paths: PrivateFolder,
  pin: RunPin,
  { isPinned }: { readonly isPinned: boolean },
): Promise<Result<boolean>> {
  const lock = await takeLock(join(paths.root, 'pins.lock'), 'the pins');
  if (!lock.ok) return refuse(lock.error);
  try {
    const pins = (await readPins(paths)).map(pinText);
    const others = pins.filter((other) => other !== pinText(pin));
    if (others.length < pins.length === isPinned) return accept(false);
    const after = isPinned ? [...others, pinText(pin)].sort() : others;
    await writeWhole(pinFile(paths), `${JSON.stringify({ pins: after }, null, 2)}\n`, {
      sync: true,
      mode: 0o600,
    });
    return accept(true);
  } finally {
    await lock.value.release();
  }
}
