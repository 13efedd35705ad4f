/** A part of a page that was rendered before: HTML in once, the same bytes in every page that shows it. */

/** Fragments that the page under way has shown so far; undefined while no page is. */
let shown: Fragment[] | undefined;

export class Fragment {
  readonly bytes: Buffer;

  constructor(html: string) {
    this.bytes = Buffer.from(html);
  }

  /** Handlebars asks an object for this, and does not escape it: a mark that no text of a view can be, since it escapes `<`. */
  toHTML(): string {
    if (shown === undefined) throw new Error('cannot show a fragment outside withFragments()');
    return `<\u0000${shown.push(this) - 1}>`;
  }
}

/** The page's bytes, with those of each fragment in its place: they are copied and neither rendered nor encoded again. */
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
