/** Phrases that are wrong in every sense they can have here, and what to write instead. */

export interface WrongPhrase {
  /** counted from 1 */
  readonly line: number;
  /** as in the text */
  readonly phrase: string;
  readonly instead: string;
}

/** Words whose sense decides (`stands for`, `holds`, `at once`) are not here: they are for reviewers. */
const phrases: readonly (readonly [pattern: RegExp, instead: string])[] = [
  [/\bmend(?:s|ed|ing|able)?\b/, '"repair" or "fix"'],
  [/\bwhoever\b/, '"anyone who", or name the user, client or program'],
  [/\bwhatever (?:becomes of|comes)\b/, 'what can happen: "any input"'],
  [/\bin peace\b/, '"gracefully"'],
  [/\bnobody (?:said|says|tells|told|knows)\b/, 'what is missing: "no server given"'],
  [/\ball is well\b/, '"no problems found"'],
  [/\bstands? (?:twice|\d+ times)\b/, '"duplicate"'],
  [/\b(?:stands?|stood) (?:in|at|under|beside|above|below|behind|there)\b/, '"is"'],
  [/\bleads? on\b/, '"links to" or "continues"'],
  [/\btells? (?:whether|what|which|how|where|when|why|that|of|by)\b/, '"reports", "prints" or "says"'],
  [/\b(?:tells?|told|telling) (?:\w+ )?apart\b/, '"distinguish"'],
  [/\b(?:gives?|gave|given|giving) (?:\w+ ){0,2}free\b/, '"release"'],
  [/\bof which nothing\b/, '"without": "jobs without events"'],
  [/\bheard of\b/, '"recorded" or "received"'],
  [/\bfor so long\b/, 'how long: "for `seconds`"'],
  [/\bit is not there\b/, '"no such file or directory" or "does not exist"'],
  [/\bit does not hold yet\b/, '"not valid yet"'],
  [/\bdoes not follow from it\b/, '"not a fast-forward"'],
  [/\bthe machinery\b/, 'what it is: "Soil", "the container", "the shell"'],
  [/\bwho trickles\b/, '"slow clients" or "slow uploads"'],
  [/\bhardships?\b/, '"failures"'],
  [/\b(?:is|are|can|cannot|could) (?:to )?be had\b/, '"is available"'],
  [/\bcomes? true\b/, '"becomes true" or "happens"'],
  [/\bknows? (?:no|nothing|of)\b/, '"does not support" or "does not have"'],
  [/\b(?:is|are) no (?:number|text|word|name|address|list|map|news|truth)\b/, '"is not a"'],
  [/\banew\b/, '"again"'],
  [/\bfor ever\b/, '"forever"'],
  [/\blest\b/, '"so that ... not"'],
];

/** Finds the wrong phrases of a text, also where a line ends inside one, in order of their lines. */
export function findWrongPhrases(text: string): readonly WrongPhrase[] {
  // The next line of a comment begins with a marker, that of a paragraph with blanks.
  const flat = text.replace(/\n[ \t]*(?:\/\/|\*|#|>)?[ \t]*/g, (gap) => `\n${' '.repeat(gap.length - 1)}`);
  return phrases
    .flatMap(([{ source }, instead]) => {
      const spaced = source.replaceAll(' ', String.raw`\s+`);
      return [...flat.matchAll(new RegExp(spaced, 'gi'))].map(({ 0: found, index }) => ({
        line: flat.slice(0, index).split('\n').length,
        phrase: found.replace(/\s+/g, ' '),
        instead,
      }));
    })
    .sort((a, b) => a.line - b.line);
}
