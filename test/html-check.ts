/** Checks HTML: a small strict parser that reports what is not well formed, and returns elements and text. */

export interface Element {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
}

export interface CheckedPage {
  /** one sentence for each fault; empty for a valid page */
  readonly faults: readonly string[];
  readonly elements: readonly Element[];
  /** text outside of tags, with character references resolved */
  readonly text: string;
}

const voidElements = ['meta', 'link', 'img', 'br', 'hr', 'input'];
const tag = /<(\/?)([a-z][a-z0-9]*)((?:\s+[a-zA-Z-]+(?:="[^"<>]*")?)*)\s*(\/?)>/y;
const attribute = /([a-zA-Z-]+)="([^"<>]*)"/g;

export function checkPage(html: string): CheckedPage {
  const faults: string[] = [];
  const elements: Element[] = [];
  const open: string[] = [];
  let text = '';
  if (!html.startsWith('<!doctype html>\n')) faults.push('no doctype at the beginning');
  let at = html.indexOf('>') + 1;
  while (at < html.length) {
    const next = html.indexOf('<', at);
    const end = next < 0 ? html.length : next;
    text += html.slice(at, end);
    if (next < 0) break;
    tag.lastIndex = next;
    const match = tag.exec(html);
    if (match === null) {
      faults.push(`invalid tag:  ${html.slice(next, next + 60)}`);
      break;
    }
    const [whole, slash = '', name = '', rest = '', closed = ''] = match;
    at = next + whole.length;
    if (slash === '/') {
      const expected = open.pop();
      if (expected !== name) faults.push(`</${name}> closes <${expected ?? 'nothing'}>`);
      continue;
    }
    const attributes = new Map([...rest.matchAll(attribute)].map(([, k = '', v = '']) => [k, resolve(v)]));
    if (rest.replace(attribute, '').trim() !== '')
      faults.push(`<${name}${rest}>: an attribute is not quoted`);
    elements.push({ name, attributes });
    if (closed !== '/' && !voidElements.includes(name)) open.push(name);
  }
  if (open.length > 0) faults.push(`never closed: ${open.join(', ')}`);
  faults.push(...structureFaults(elements));
  const unescaped = /&(?!(?:amp|lt|gt|quot|#x27|#x60|#x3D);)/.exec(html);
  if (unescaped !== null)
    faults.push(`a bare ampersand: ${html.slice(unescaped.index, unescaped.index + 30)}`);
  return { faults, elements, text: resolve(text) };
}

function structureFaults(elements: readonly Element[]): readonly string[] {
  const count = (name: string) => elements.filter((e) => e.name === name).length;
  const ids = elements.flatMap((e) => e.attributes.get('id') ?? []);
  const fragments = elements
    .flatMap((e) => e.attributes.get('href') ?? [])
    .filter((href) => href.startsWith('#'));
  const labels = elements.flatMap((e) => e.attributes.get('aria-labelledby') ?? []);
  return [
    ...['h1', 'main', 'title', 'footer']
      .filter((n) => count(n) !== 1)
      .map((n) => `${count(n)} <${n}> elements instead of 1`),
    ...(new Set(ids).size === ids.length ? [] : ['duplicate id']),
    ...[...fragments.map((f) => decodeURIComponent(f.slice(1))), ...labels]
      .filter((id) => !ids.includes(id))
      .map((id) => `no element has id "${id}"`),
    ...elements
      .filter((e) => e.name === 'th' && !e.attributes.has('scope'))
      .map(() => 'a table header has no scope'),
    ...(count('table') === count('caption') ? [] : ['a table has no caption']),
    ...elements
      .filter((e) => [...e.attributes.keys()].some((name) => name.startsWith('on') || name === 'style'))
      .map((e) => `<${e.name}> has a handler or a style`),
    ...elements.filter((e) => e.name === 'script').map(() => 'a script'),
  ];
}

function resolve(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#x27;', "'")
    .replaceAll('&#x60;', '`')
    .replaceAll('&#x3D;', '=')
    .replaceAll('&amp;', '&');
}
