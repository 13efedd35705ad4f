/** Durations as people write them (`90s`, `15m`, `1h30m`) -> whole seconds, or a refusal. */
import { accept, quote, refuse, type Result } from './result.js';

const unitSeconds: Readonly<Record<string, number>> = { d: 86400, h: 3600, m: 60, s: 1 };
const longestSeconds = 366 * 86400;

/** Reads a duration: numbers with units, the largest unit first, each at most once. At most 366 days. */
export function parseDuration(text: string, what = 'duration'): Result<number> {
  const because = (reason: string) => refuse(`cannot accept ${what} ${quote(text)}: ${reason}`);
  if (/^\d+$/.test(text)) return because('it has no unit; write 90s, 15m or 1h30m');
  const parts = /^(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?$/.exec(text);
  if (text === '' || parts === null) return because('it must be written like 90s, 15m or 1h30m');
  const seconds = ['d', 'h', 'm', 's'].reduce(
    (sum, unit, i) => sum + Number(parts[i + 1] ?? 0) * (unitSeconds[unit] ?? 0),
    0,
  );
  if (seconds > longestSeconds) return because('it is longer than 366 days');
  return accept(seconds);
}

/** Seconds as `1h30m`, `15m`, `90s` would be written: whole seconds, the largest units first. */
export function formatDuration(seconds: number): string {
  let rest = Math.max(0, Math.round(seconds));
  let text = '';
  for (const [unit, size] of Object.entries(unitSeconds)) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) text += `${count}${unit}`;
  }
  return text === '' ? '0s' : text;
}
