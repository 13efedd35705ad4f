/** Mutates valid records, TSVs, zips and forms: random damage, and unusual but valid content. */
import type { SeededRandom } from './seeded-random.js';

type Mutation = (bytes: Buffer, random: SeededRandom) => Buffer;

const flip: Mutation = (bytes, random) => {
  const changed = Buffer.from(bytes);
  for (let count = 1 + random.below(4); count > 0 && changed.length > 0; count--) {
    const at = random.below(changed.length);
    changed.writeUInt8(changed.readUInt8(at) ^ (1 << random.below(8)), at);
  }
  return changed;
};

const truncate: Mutation = (bytes, random) => bytes.subarray(0, random.below(bytes.length + 1));

/** Removes or repeats a piece. */
const cut: Mutation = (bytes, random) => {
  const from = random.below(bytes.length + 1);
  const to = Math.min(bytes.length, from + random.below(40));
  return Buffer.concat([bytes.subarray(0, to), bytes.subarray(random.pick([from, to, to]))]);
};

const oddBytes: readonly Buffer[] = [
  ...[[0], [0xff, 0xfe], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xef, 0xbb, 0xbf]].map((bytes) =>
    Buffer.from(bytes),
  ),
  ...['\r\n', '\r', '\n', '\t', '"', '\u2028', '\u202e', '--', '{', ']', '<script>', '\\u0000', '../'].map(
    (text) => Buffer.from(text),
  ),
];

const insert: Mutation = (bytes, random) => {
  const at = random.below(bytes.length + 1);
  return Buffer.concat([bytes.subarray(0, at), random.pick(oddBytes), bytes.subarray(at)]);
};

const otherLineEnds: Mutation = (bytes, random) =>
  Buffer.from(bytes.toString('latin1').replaceAll('\n', random.pick(['\r\n', '\r', '\n\n'])), 'latin1');

const anyBytes: readonly Mutation[] = [flip, truncate, cut, insert];

const oddValues: readonly string[] = [
  ...['null', 'true', '[]', '{}', '-1', '0', '1.5', '1e999', '99999999999999999999999', '""', '"\\u0000"'],
  ...['"\\ud800"', '"../../x"', '"javascript:alert(1)"', '"<b>"', '[null]', '[{"name":1}]', '{"name":[]}'],
  ...['{"__proto__":{}}', '"1"', '"__proto__"', '"constructor"', '"٣"', `"${'9'.repeat(400)}"`],
];

const depth = 20_000;

/** Changes, repeats, removes, swaps or deeply nests one key of a flat record. */
const oddKey: Mutation = (bytes, random) => {
  const record = Object.entries(JSON.parse(bytes.toString()) as Readonly<Record<string, unknown>>);
  const lines = record.map(([key, value]) => [JSON.stringify(key), JSON.stringify(value)] as const);
  const at = random.below(lines.length);
  const [key, value] = lines[at] ?? ['', ''];
  const other = random.pick(lines)[0];
  const deep = `${'['.repeat(depth)}${']'.repeat(depth)}`;
  const changed = random.pick([
    [[key, random.pick(oddValues)]],
    [[key, random.pick(oddValues)]],
    [
      [key, value],
      [key, random.pick(oddValues)],
    ],
    [],
    [[other, value]],
    [[key, random.below(10) === 0 ? deep : '[[[[]]]]']],
    [
      [key, value],
      [
        random.pick(['"__proto__"', '"toString"', '""', '"schema"', '"host"', '"attempt"']),
        random.pick(oddValues),
      ],
    ],
  ]);
  const all = [...lines.slice(0, at), ...changed, ...lines.slice(at + 1)];
  return Buffer.from(`{${all.map((pair) => pair.join(':')).join(',')}}`);
};

const notAnObject: Mutation = (_, random) => Buffer.from(random.pick(oddValues));

/** Changes a cell, adds or removes one, or repeats a row. */
const oddCell: Mutation = (bytes, random) => {
  const rows = bytes.toString().split('\n');
  const at = random.below(rows.length);
  const cells = (rows[at] ?? '').split('\t');
  const values = [
    '',
    '-',
    '-1',
    '256',
    '1e5',
    'NaN',
    '9'.repeat(400),
    '"',
    '../x',
    'javascript:alert(1)',
    '日本',
    '=1+1',
  ];
  const cell = random.below(cells.length + 1);
  const kind = random.below(4);
  if (kind === 0) rows.splice(at, 1, (rows[at] ?? '').repeat(2));
  else if (kind === 1) rows.splice(at, 0, rows[at] ?? '');
  else cells.splice(cell, kind === 2 ? 1 : 0, random.pick(values));
  if (kind > 1) rows.splice(at, 1, cells.join('\t'));
  return Buffer.from(rows.join('\n'));
};

export const mutateRecord: Mutation = (bytes, random) =>
  random.pick([...anyBytes, otherLineEnds, oddKey, oddKey, oddKey, oddKey, notAnObject])(bytes, random);

export const mutateTsv: Mutation = (bytes, random) =>
  random.pick([...anyBytes, otherLineEnds, oddCell, oddCell, oddCell])(bytes, random);

export const mutateZip: Mutation = (bytes, random) => random.pick([...anyBytes, flip])(bytes, random);

/** A form's bytes and the value of its Content-Type. */
export interface RawForm {
  readonly type: string;
  readonly body: Buffer;
}

export interface RawPart {
  readonly field: string;
  readonly file: string;
  readonly content: Buffer;
}

const boundary = 'soil-fuzz-3f2a';

export function rawForm(parts: readonly RawPart[]): RawForm {
  const pieces = parts.flatMap(({ field, file, content }) => [
    Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="${field}"; filename="${file}"\r\n`),
    Buffer.from('Content-Type: application/octet-stream\r\n\r\n'),
    ...[content, Buffer.from('\r\n')],
  ]);
  return {
    type: `multipart/form-data; boundary=${boundary}`,
    body: Buffer.concat([...pieces, Buffer.from(`--${boundary}--\r\n`)]),
  };
}

/** Changes what surrounds the parts: boundaries, headers, names. */
export function mutateForm({ type, body }: RawForm, random: SeededRandom): RawForm {
  const replace = (from: string, to: string): RawForm => {
    const text = body.toString('latin1');
    const parts = text.split(from);
    if (parts.length < 2) return { type, body };
    const at = 1 + random.below(parts.length - 1);
    const changed = parts.slice(0, at).join(from) + to + parts.slice(at).join(from);
    return { type, body: Buffer.from(changed, 'latin1') };
  };
  const tricks: readonly (() => RawForm)[] = [
    () => ({ type, body: random.pick(anyBytes)(body, random) }),
    () => ({ type, body: random.pick(anyBytes)(body, random) }),
    () => ({ type: flipText(type, random), body }),
    () => ({ type: random.pick(oddTypes), body }),
    () => replace('\r\n', random.pick(['\n', '\r', '', '\r\n\r\n', '\r\n \t'])),
    () =>
      replace(
        `--${boundary}`,
        random.pick([`--${boundary}--`, `--${boundary}x`, `-${boundary}`, '', ` --${boundary}`]),
      ),
    () =>
      replace(
        'filename="',
        random.pick([
          'filename*="',
          'filename="../',
          'filename="\\',
          'filename="C:\\',
          'x="',
          'filename="%00',
        ]),
      ),
    () =>
      replace(
        'name="',
        random.pick(['name="__proto__', 'name="\u0000', 'name=', 'name="file', `name="${'n'.repeat(5000)}`]),
      ),
    () => replace('form-data', random.pick(['attachment', 'FORM-DATA', '', 'form-data; form-data'])),
    () =>
      replace(
        'application/octet-stream',
        random.pick(['multipart/mixed; boundary=x', 'text/html; charset=utf-7', '', '\u0000']),
      ),
    () => replace('\r\nContent-Type', `\r\n${'X-Long: y\r\n'.repeat(3000)}Content-Type`),
    () => replace('\r\n', '\r\nContent-Transfer-Encoding: base64\r\n'),
  ];
  return random.pick(tricks)();
}

const oddTypes: readonly string[] = [
  ...[
    'multipart/form-data',
    'multipart/form-data; boundary=',
    'multipart/form-data; boundary="',
    'multipart/mixed; boundary=x',
  ],
  ...[
    `multipart/form-data; boundary=${'b'.repeat(300)}`,
    'application/x-www-form-urlencoded',
    'text/plain',
    'x',
    ';;;=',
  ],
  ...[
    `multipart/form-data; boundary=${boundary}; boundary=other`,
    `multipart/form-data; boundary="${boundary}"`,
  ],
];

/** Header values must be printable, or no client can send them. */
function flipText(text: string, random: SeededRandom): string {
  const at = random.below(text.length);
  return text.slice(0, at) + String.fromCharCode(0x21 + random.below(0x5d)) + text.slice(at + 1);
}
