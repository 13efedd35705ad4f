/** Finds characters that show nothing, or that change how the characters around them are shown. */

/** Characters of the category Cf that are visible: number and verse signs of Arabic, Syriac and an Indian script. */
const visibleFormat = /[\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\u{110bd}\u{110cd}]/u;

/**
 * Unicode's controls, formats, separators and characters without a picture by default; then what fonts draw as nothing: the
 * blank of Braille, an empty note of music, and a filler of one script.
 */
const invisible =
  /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\p{Surrogate}\u2800\u{1d159}\u{16fe4}]/gu;
/** Spaces that look like the plain one, or have no width that one would notice. */
const otherSpaces = /[^\P{Zs} ]/gu;

/** Returns the first invisible character of a text as `U+200B`, or undefined. */
export function findInvisible(text: string): string | undefined {
  for (const [character] of text.matchAll(invisible)) {
    if (!visibleFormat.test(character)) return codePoint(character);
  }
  return undefined;
}

/** Returns the first space of a text that is not the plain one as `U+00A0`, or undefined. */
export function findOtherSpace(text: string): string | undefined {
  const [first] = text.match(otherSpaces) ?? [];
  return first === undefined ? undefined : codePoint(first);
}

/** Formats a character as in Unicode's tables. */
const codePoint = (character: string): string =>
  `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
