/** Turns the values of secrets into the byte patterns in which they can appear in a log. Pure. */
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { spellEncoded, spellHex, spellText, type SpelledUnit } from './spelling.js';

/** A variable whose value must not appear in anything that a job publishes. */
export interface Secret {
  readonly name: string;
  readonly value: string;
  /** present if the engine gives it to the tasks, because `engine-flags` says so */
  readonly isFromFlag?: true;
}

/** One form of a secret. */
export interface SecretPattern {
  /** the characters in order */
  readonly units: readonly SpelledUnit[];
  /** whether a line break can be between any two characters */
  readonly isWrappable: boolean;
}

/** A shorter value appears in every log by chance. */
export const minSecretBytes = 5;
/** Lines of a multi-line secret are also searched for separately, except short ones such as `}`. */
const minLineBytes = 8;
/** With fewer letters and digits, spaces match line breaks by chance: a numbered list has the lines of `1 2 3`. */
const minFoldableLetters = 8;
export const maxSecretBytes = 64 * 1024;

/**
 * Reads the values of the declared secrets from the environment. `missing` lists those that are not set, which is normal
 * in a fork. Fails if a value is so short that it would match unrelated text, or too long.
 */
export function resolveSecrets(
  names: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Result<{ readonly secrets: readonly Secret[]; readonly missing: readonly string[] }> {
  const secrets: Secret[] = [];
  const missing: string[] = [];
  for (const name of new Set(names)) {
    const value = environment[name];
    if (value === undefined || value === '') {
      missing.push(name);
      continue;
    }
    // A trailing line break comes from the way the value was stored; programs rarely print it.
    const bytes = Buffer.byteLength(value.trim());
    const fail = (reason: string) => refuse(`cannot use secret ${quote(name)}: its value ${reason}`);
    if (bytes < minSecretBytes) {
      return fail(`is shorter than ${minSecretBytes} bytes, so unrelated text would be redacted`);
    }
    if (bytes > maxSecretBytes) return fail(`is longer than ${maxSecretBytes} bytes`);
    secrets.push({ name, value });
  }
  return accept({ secrets, missing });
}

/**
 * Lists the patterns of each secret and of its longer lines: as any mixture of the spellings of its characters, and as a
 * whole in base64, base32 and hex. The base32 and hex of single lines is left out: a key has many lines, and each pattern
 * makes the search slower.
 */
export function listPatterns(secrets: readonly Secret[]): readonly SecretPattern[] {
  const patterns = new Map<string, SecretPattern>();
  for (const { value } of secrets) {
    const whole = value.trim();
    const lines = whole.split(/\r?\n/).filter(isSecretLine);
    const forms = new Set([whole, whole.replaceAll('\r\n', '\n')]);
    for (const text of new Set([...forms, ...lines])) {
      const bytes = Buffer.from(text);
      const units = spellText(text, {
        isFoldable: text.replace(/[^A-Za-z0-9]/g, '').length >= minFoldableLetters,
      });
      patterns.set(`text ${text}`, { units, isWrappable: false });
      const encodings = [...base64Forms(bytes), ...(forms.has(text) ? base32Forms(bytes) : [])];
      for (const encoded of encodings) {
        patterns.set(`encoded ${encoded}`, { units: spellEncoded(encoded), isWrappable: true });
      }
      if (!forms.has(text)) continue;
      for (const [i, hex] of spellHex(bytes).entries()) {
        patterns.set(`hex ${i} ${text}`, { units: hex, isWrappable: true });
      }
    }
  }
  return [...patterns.values()];
}

/** The first and last line of a key or certificate are the same for all of them (RFC 7468, 2). */
const isSecretLine = (line: string): boolean =>
  Buffer.byteLength(line) >= minLineBytes && !/^-----(?:BEGIN|END) [A-Z0-9 ]+-----$/.test(line.trim());

/**
 * Returns the part of the base64 text that depends on the secret alone, for each of the three offsets at which it can
 * start within a group of three bytes (RFC 4648, 4).
 */
function base64Forms(bytes: Buffer): readonly string[] {
  return [0, 1, 2].map((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    return encoded.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
  });
}

const base32Alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** The same for base32: a secret can start at five offsets within a group of five bytes (RFC 4648, 6). */
function base32Forms(bytes: Buffer): readonly string[] {
  return [0, 1, 2, 3, 4].map((before) => {
    let [text, bits, value] = ['', 0, 0];
    for (const byte of Buffer.concat([Buffer.alloc(before), bytes])) {
      value = ((value << 8) | byte) & 0xfff;
      for (bits += 8; bits >= 5; bits -= 5) text += base32Alphabet[(value >> (bits - 5)) & 31] ?? '';
    }
    return text.slice(Math.ceil((before * 8) / 5));
  });
}
