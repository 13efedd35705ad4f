/** A script for a browser: finds the texts of a page that have too little contrast with their background (WCAG AA). */

export interface FoundTexts {
  readonly texts: number;
  /** ratio, text and color of each text with less than 4.5 to 1 */
  readonly weak: readonly string[];
}

/** Source text, since it runs in the page. Formulas: WCAG 2.2, "relative luminance". */
export const weakTexts = `(() => {
  const parse = (text) => {
    const [r = 0, g = 0, b = 0, a = 1] = (text.match(/[\\d.]+/g) ?? []).map(Number);
    return [r, g, b, a];
  };
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((c) => {
      const s = c / 255;
      return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = (element) => {
    for (let e = element; e !== null; e = e.parentElement) {
      const color = parse(getComputedStyle(e).backgroundColor);
      if (color[3] === 1) return color;
      if (color[3] !== 0) throw new Error('a half transparent background: contrast cannot be computed');
    }
    return [255, 255, 255, 1];
  };
  const weak = [];
  let texts = 0;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const element = node.parentElement;
    const text = node.textContent.trim();
    if (text === '') continue;
    texts++;
    const { color } = getComputedStyle(element);
    const [a, b] = [luminance(parse(color)), luminance(behind(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) weak.push(ratio.toFixed(2) + ' ' + text + ' ' + color);
  }
  return { texts, weak };
})()`;
