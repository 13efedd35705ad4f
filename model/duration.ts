/** Reads durations as people write them (`90s`, `15m`, `1h30m`, `8w`), and writes them. */
import { accept, quote, refuse, type Result } from './result.js';

const unitSeconds = { y: 365 * 86_400, w: 7 * 86_400, d: 86_400, h: 3600, m: 60, s: 1 } as const;
type Unit = keyof typeof unitSeconds;

/** How a duration may be written. `isCombined`: several units in a row, the largest first, each at most once. */
interface DurationForm {
  readonly units: readonly Unit[];
  readonly isCombined: boolean;
  readonly examples: string;
}

const forms = {
  /** a time limit or a pause */
  limit: { units: ['d', 'h', 'm', 's'], isCombined: true, examples: '90s, 15m or 1h30m' },
  /** how old something may become: up to years, to the minute */
  age: { units: ['y', 'w', 'd', 'h', 'm'], isCombined: false, examples: '30m, 12h, 90d, 8w or 2y' },
} satisfies Record<string, DurationForm>;

/** What a key or an option accepts. */
export interface DurationRule {
  /** `limit` unless set */
  readonly form?: keyof typeof forms;
  /** 0 unless set */
  readonly minSeconds?: number;
  /** 366 days unless set */
  readonly maxSeconds?: number;
}

/** A rule for ages of runs and files: from a minute to a million years. */
export const ageRule: DurationRule = { form: 'age', minSeconds: 60, maxSeconds: 1e6 * unitSeconds.y };

/** Returns whole seconds. */
export function parseDuration(
  text: string,
  what = 'duration',
  { form = 'limit', minSeconds = 0, maxSeconds = 366 * unitSeconds.d }: DurationRule = {},
): Result<number> {
  const because = (reason: string) => refuse(`cannot accept ${what} ${quote(text)}: ${reason}`);
  const { units, isCombined, examples }: DurationForm = forms[form];
  if (/^\d+$/.test(text)) return because(`it has no unit; write ${examples}`);
  const parts = new RegExp(`^${units.map((unit) => `(?:(\\d{1,9})${unit})?`).join('')}$`).exec(text);
  const counts = units.filter((_, i) => parts?.[i + 1] !== undefined).length;
  if (parts === null || counts === 0 || (counts > 1 && !isCombined)) {
    return because(`it must be written like ${examples}`);
  }
  const seconds = units.reduce((sum, unit, i) => sum + Number(parts[i + 1] ?? 0) * unitSeconds[unit], 0);
  if (seconds < minSeconds) return because(`it must be at least ${formatDuration(minSeconds)}`);
  if (seconds > maxSeconds) return because(`it must be at most ${formatDuration(maxSeconds)}`);
  return accept(seconds);
}

/** Formats seconds as `1h30m`, `15m` or `30s`: rounded to whole seconds, largest unit first, days at most. */
export function formatDuration(seconds: number): string {
  let rest = Math.max(0, Math.round(seconds));
  let text = '';
  for (const unit of forms.limit.units) {
    const count = Math.floor(rest / unitSeconds[unit]);
    rest -= count * unitSeconds[unit];
    if (count > 0) text += `${count}${unit}`;
  }
  return text === '' ? '0s' : text;
}
