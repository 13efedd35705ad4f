/** Parts of pages, rendered once and copied into every page that shows them. */

/** The fragments of the page that is being rendered; undefined between pages. */
let shown: Fragment[] | undefined;

export class Fragment {
  readonly bytes: Buffer;

  constructor(html: string) {
    this.bytes = Buffer.from(html);
  }

  /**
   * Returns a placeholder. Handlebars calls this and does not escape it. No text is equal, since Handlebars escapes
   * `<`.
   */
  toHTML(): string {
    if (shown === undefined) throw new Error('cannot show a fragment outside withFragments()');
    return `<\u0000${shown.push(this) - 1}>`;
  }
}

/** Renders a page and replaces its placeholders with the fragments' bytes, which are not rendered or encoded again. */
export function withFragments(render: () => string): Buffer {
  const outer = shown;
  const mine: Fragment[] = [];
  shown = mine;
  try {
    const [first = '', ...others] = render().split('<\u0000');
    return Buffer.concat([
      Buffer.from(first),
      ...others.flatMap((piece) => {
        const end = piece.indexOf('>');
        return [mine[Number(piece.slice(0, end))]?.bytes ?? Buffer.of(), Buffer.from(piece.slice(end + 1))];
      }),
    ]);
  } finally {
    shown = outer;
  }
}
