/** Turns the values of secrets into the byte patterns in which they can appear in a log. Pure. */
import { accept, quote, refuse, type Result } from '../../model/result.js';

/** A variable whose value must not appear in anything that a job publishes. */
export interface Secret {
  readonly name: string;
  readonly value: string;
}

export interface SecretPattern {
  readonly bytes: Buffer;
  /** also matches with line breaks inside, since programs wrap base64 */
  readonly isWrappable: boolean;
}

/** A shorter value appears in every log by chance. */
const minSecretBytes = 5;
/** Lines of a multi-line secret are also searched for separately, except short ones such as `}`. */
const minLineBytes = 8;
/** A wrappable pattern is searched for by its halves (see redactor.ts), which must not be too short. */
const minWrappableLength = 16;
const maxSecretBytes = 64 * 1024;

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

/** Lists the patterns of each secret and of its longer lines: verbatim, and in base64, URL encoding, JSON and HTML. */
export function listPatterns(secrets: readonly Secret[]): readonly SecretPattern[] {
  const patterns = new Map<string, SecretPattern>();
  const add = (text: string | Buffer, isWrappable = false): void => {
    const bytes = Buffer.from(text as string);
    if (bytes.length < minSecretBytes) return;
    patterns.set(bytes.toString('latin1'), { bytes, isWrappable });
  };
  for (const { value } of secrets) {
    const whole = value.trim();
    const lines = whole.split(/\r?\n/).filter((line) => Buffer.byteLength(line) >= minLineBytes);
    for (const text of new Set([whole, whole.replaceAll('\r\n', '\n'), ...lines])) {
      for (const plain of [text, jsonForm(text), ...htmlForms(text), ...urlForms(text)]) add(plain);
      for (const encoded of base64Forms(Buffer.from(text))) {
        add(encoded, encoded.length >= minWrappableLength);
      }
    }
  }
  return [...patterns.values()];
}

const jsonForm = (text: string): string => JSON.stringify(text).slice(1, -1);

function htmlForms(text: string): readonly string[] {
  const inText = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  const inAttribute = inText.replaceAll('"', '&quot;');
  return [inText, inAttribute, inAttribute.replaceAll("'", '&#39;'), inAttribute.replaceAll("'", '&#x27;')];
}

/**
 * Encodes as encodeURIComponent() does, as an HTML form does, and with every optional character encoded. Each form has
 * upper-case and lower-case hex.
 */
function urlForms(text: string): readonly string[] {
  const component = encodeURIComponent(Buffer.from(text).toString());
  const strict = component.replace(/[!'()*~]/g, percentEncode);
  const forms = [component, strict, strict.replaceAll('%7E', '~')].flatMap((form) => [
    form,
    form.replaceAll('%20', '+'),
    form.replaceAll('%2F', '/'),
  ]);
  return forms.flatMap((form) => [form, form.replace(/%[0-9A-F]{2}/g, (hex) => hex.toLowerCase())]);
}

const percentEncode = (character: string): string => `%${character.charCodeAt(0).toString(16).toUpperCase()}`;

/**
 * Returns the part of the base64 text that depends on the secret alone, for each of the three offsets at which it can
 * start within a group of three bytes, in both alphabets (RFC 4648, 4 and 5).
 */
function base64Forms(bytes: Buffer): readonly string[] {
  return [0, 1, 2].flatMap((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    const own = encoded.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
    return [own, own.replaceAll('+', '-').replaceAll('/', '_')];
  });
}
