/** The values of secrets -> the byte patterns under which they could be read in a log. Pure. */
import { accept, quote, refuse, type Result } from '../../model/result.js';

/** A variable whose value nobody may read afterwards. */
export interface Secret {
  readonly name: string;
  readonly value: string;
}

export interface SecretPattern {
  readonly bytes: Buffer;
  /** found with line breaks in it too: programs wrap base64 into lines */
  readonly isWrappable: boolean;
}

/** What is shorter stands in every log by chance. */
const shortestSecretBytes = 5;
/** A line of a secret of several lines is looked for by itself from this length on: `}` is no secret. */
const shortestLineBytes = 8;
/** Half of it must still be found by itself, see mask.ts. */
const shortestWrappable = 16;
const longestSecretBytes = 64 * 1024;

/**
 * The declared secrets with their values; `missing` are those that the environment does not have, as the runs of a fork
 * have none. A value that is too short to be told from other text is refused.
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
    // A trailing line break is an accident of how the value was stored, and seldom printed with it.
    const bytes = Buffer.byteLength(value.trim());
    const because = (reason: string) => refuse(`cannot use secret ${quote(name)}: its value ${reason}`);
    if (bytes < shortestSecretBytes) {
      return because(
        `is shorter than ${shortestSecretBytes} bytes, and would be masked everywhere by chance`,
      );
    }
    if (bytes > longestSecretBytes) return because(`is longer than ${longestSecretBytes} bytes`);
    secrets.push({ name, value });
  }
  return accept({ secrets, missing });
}

/** Each secret as it is, each of its longer lines, and all of these in base64, URL-encoded, in JSON and in HTML. */
export function listPatterns(secrets: readonly Secret[]): readonly SecretPattern[] {
  const patterns = new Map<string, SecretPattern>();
  const add = (text: string | Buffer, isWrappable = false): void => {
    const bytes = Buffer.from(text as string);
    if (bytes.length < shortestSecretBytes) return;
    patterns.set(bytes.toString('latin1'), { bytes, isWrappable });
  };
  for (const { value } of secrets) {
    const whole = value.trim();
    const lines = whole.split(/\r?\n/).filter((line) => Buffer.byteLength(line) >= shortestLineBytes);
    for (const text of new Set([whole, whole.replaceAll('\r\n', '\n'), ...lines])) {
      for (const plain of [text, jsonForm(text), ...htmlForms(text), ...urlForms(text)]) add(plain);
      for (const encoded of base64Forms(Buffer.from(text))) {
        add(encoded, encoded.length >= shortestWrappable);
      }
    }
  }
  return [...patterns.values()];
}

const jsonForm = (text: string): string => JSON.stringify(text).slice(1, -1);

function htmlForms(text: string): readonly string[] {
  const some = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  const most = some.replaceAll('"', '&quot;');
  return [some, most, most.replaceAll("'", '&#39;'), most.replaceAll("'", '&#x27;')];
}

/** As encodeURIComponent() has it, as a form has it, and with every sign encoded that may be; hex digits in both cases. */
function urlForms(text: string): readonly string[] {
  const component = encodeURIComponent(Buffer.from(text).toString());
  const strict = component.replace(/[!'()*~]/g, percent);
  const forms = [component, strict, strict.replaceAll('%7E', '~')].flatMap((form) => [
    form,
    form.replaceAll('%20', '+'),
    form.replaceAll('%2F', '/'),
  ]);
  return forms.flatMap((form) => [form, form.replace(/%[0-9A-F]{2}/g, (hex) => hex.toLowerCase())]);
}

const percent = (sign: string): string => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`;

/**
 * The part of its base64 that depends on the secret alone, for each of the three places where it may begin within a
 * group of three bytes; in both alphabets (RFC 4648, 4 and 5).
 */
function base64Forms(bytes: Buffer): readonly string[] {
  return [0, 1, 2].flatMap((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    const own = encoded.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
    return [own, own.replaceAll('+', '-').replaceAll('/', '_')];
  });
}
