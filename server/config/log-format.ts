/** The formats of the access log. */

export const logFormats = ['json', 'text'] as const;
/** `json` is for programs, `text` for people. Both have the same fields. */
export type LogFormat = (typeof logFormats)[number];
