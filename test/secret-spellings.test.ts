/** Redacts what shells, languages and tools print of secret values. The real programs print them; one that is missing is skipped. */
// cspell:disable: the names of functions of Python, Perl and the shells
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { StreamRedactor } from '../worker/output/stream-redactor.js';
import { createRedactor, overwrite, type Redactor } from '../worker/redact/redactor.js';

/** A value, and the plain parts of it. Where none of them is left, the value was found. */
interface Sample {
  readonly value: string;
  readonly parts: readonly string[];
}

const specials = [
  ...[...`'"\\$\`&<>%+/=!;#~{},.*?|()[]^-_:@`, ' ', '\t', '\n', '\r\n'],
  ...['ü', 'é', 'ß', '€', 'λ', '😀', '𝒳', '\u00a0', '\u2028', '\u001b', '\u0007', '\u007f', '\u0001'],
  ...[`'"`, `''`, `"'`, '\\"', "\\'", '\\n', '%41', '&amp;', '${a}', '  ', 'üü', '\n\n'],
];
const plainPart = fc
  .array(fc.constantFrom(...'QXZWVKJ0123456789'), { minLength: 4, maxLength: 6 })
  .map((a) => a.join(''));
const sample: fc.Arbitrary<Sample> = fc
  .tuple(
    plainPart,
    fc.array(fc.tuple(fc.constantFrom(...specials), plainPart), { minLength: 1, maxLength: 6 }),
  )
  .map(([first, rest]) => ({
    value: first + rest.map(([special, part]) => special + part).join(''),
    parts: [first, ...rest.map(([, part]) => part)],
  }))
  .filter(({ parts }) => new Set(parts).size === parts.length);

/** What an encoder prints of a value; undefined when it cannot write this value. */
type Encoder = (values: readonly string[]) => readonly (string | Buffer | undefined)[];

const each =
  (encode: (value: string) => string): Encoder =>
  (values) =>
    values.map(encode);

const mark = 'end-of-one-output';

/** Runs a program with the values as arguments. It prints `mark` after each. */
const program =
  (name: string, args: readonly string[], environment: Record<string, string> = {}): Encoder =>
  (values) => {
    const end = spawnSync(name, [...args, ...values], {
      env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8', ...environment },
      maxBuffer: 64_000_000,
    });
    if (end.error !== undefined) return values.map(() => undefined);
    const output = Buffer.concat([end.stdout, end.stderr]).toString('latin1');
    assert.equal(end.stderr.includes('rror') && end.status !== 0, false, end.stderr.toString());
    const printed = output.split(mark);
    assert.ok(printed.length > values.length, `${name} printed nothing: ${end.stderr.toString()}`);
    return values.map((_, i) => Buffer.from(printed[i] ?? '', 'latin1'));
  };

/** Runs a script once for each value, with the value in the variable `v`. */
const shell =
  (words: readonly string[], script: string, locale = 'C.UTF-8'): Encoder =>
  (values) =>
    values.map((v) => {
      const end = spawnSync(words[0] ?? '', [...words.slice(1), script], {
        env: { PATH: process.env.PATH, LC_ALL: locale, v },
        // With a socket as input, bash takes itself for a remote shell and reads its configuration.
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      return end.error === undefined ? Buffer.concat([end.stdout, end.stderr]) : undefined;
    });

const python = (expression: string, environment?: Record<string, string>): Encoder =>
  program(
    'python3',
    [
      '-c',
      'import sys, json, html, shlex, urllib.parse, base64, binascii, quopri, xml.sax.saxutils as sax, pprint, csv, io\n' +
        `for v in sys.argv[1:]:\n  sys.stdout.write(str(${expression})); sys.stdout.write("${mark}")`,
    ],
    { PYTHONIOENCODING: 'utf-8', ...environment },
  );
const perl = (expression: string): Encoder =>
  program('perl', [
    '-CSA',
    '-MData::Dumper',
    '-MJSON::PP',
    '-e',
    `$Data::Dumper::Useqq = 1; for my $v (@ARGV) { print ${expression}, "${mark}" }`,
  ]);
const jq = (filter: string, ...flags: readonly string[]): Encoder =>
  program('jq', ['-rn', ...flags, `$ARGS.positional[] | ${filter}, "${mark}"`, '--args']);

const escapeAll = (value: string, escape: (codePoint: number) => string): string =>
  value.replace(/[^A-Za-z0-9]/gu, (c) => escape(c.codePointAt(0) ?? 0));
const units = (value: string, escape: (unit: string) => string): string =>
  value.replace(/[^A-Za-z0-9 ]/g, (c) => escape(c.charCodeAt(0).toString(16).padStart(4, '0')));

const encoders: Record<string, Encoder> = {
  'JSON.stringify()': each((v) => JSON.stringify(v)),
  'JSON within JSON within JSON': each((v) => JSON.stringify(JSON.stringify(JSON.stringify({ v })))),
  'JSON with \\u00fc': each((v) => units(v, (hex) => `\\u${hex}`)),
  'JSON with \\u00FC': each((v) => units(v, (hex) => `\\u${hex.toUpperCase()}`)),
  'JSON with \\/ of PHP': each((v) => JSON.stringify(v).replaceAll('/', '\\/')),
  'JSON of Go': each((v) =>
    JSON.stringify(v).replace(/[&<>\u2028]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`),
  ),
  'JSON in a URL': each((v) => encodeURIComponent(JSON.stringify(v))),
  'JSON in HTML': each((v) => JSON.stringify(v).replaceAll('&', '&amp;').replaceAll('"', '&quot;')),
  'HTML decimal': each((v) => escapeAll(v, (c) => `&#${c};`)),
  'HTML decimal with zeros': each((v) => escapeAll(v, (c) => `&#${String(c).padStart(4, '0')};`)),
  'HTML hex': each((v) => escapeAll(v, (c) => `&#x${c.toString(16)};`)),
  'HTML hex, upper case': each((v) => escapeAll(v, (c) => `&#X${c.toString(16).toUpperCase()};`)),
  'HTML escaped twice': each((v) =>
    escapeAll(v, (c) => `&#${c};`)
      .replaceAll('&', '&amp;')
      .replaceAll('&', '&amp;'),
  ),
  'encodeURIComponent()': each(encodeURIComponent),
  'encodeURIComponent(), lower case, twice': each((v) =>
    encodeURIComponent(encodeURIComponent(v).replace(/%../g, (hex) => hex.toLowerCase())),
  ),
  URLSearchParams: each((v) => new URLSearchParams({ v }).toString()),
  'escape() of JavaScript': each((v) =>
    units(v, (hex) => (hex.startsWith('00') ? `%${hex.slice(2).toUpperCase()}` : `%u${hex.toUpperCase()}`)),
  ),
  'util.inspect()': each((v) => inspect({ v })),
  'util.inspect() of a long text': each((v) => inspect({ v: `${'y '.repeat(60)}${v}${' y'.repeat(60)}` })),
  'Go %q and %+q': each((v) =>
    JSON.stringify(v).replace(/[^ -~]/gu, (c) => {
      const code = c.codePointAt(0) ?? 0;
      return code > 0xffff
        ? `\\U${code.toString(16).padStart(8, '0')}`
        : `\\u${code.toString(16).padStart(4, '0')}`;
    }),
  ),
  'Rust {:?} and escape_unicode()': each((v) => escapeAll(v, (c) => `\\u{${c.toString(16)}}`)),
  'CSV and SQL': each((v) => `"${v.replaceAll('"', '""')}" '${v.replaceAll("'", "''")}'`),
  'base64, any offset': each((v) => Buffer.from(`user:${v}`).toString('base64')),
  'base64 in JSON of PHP': each((v) => Buffer.from(v).toString('base64').replaceAll('/', '\\/')),
  'base64 in a URL': each((v) => encodeURIComponent(Buffer.from(v).toString('base64'))),
  'wrapped base64 in JSON': each((v) =>
    JSON.stringify(
      Buffer.from('y'.repeat(50) + v)
        .toString('base64')
        .replace(/.{76}/g, '$&\n'),
    ),
  ),
  hex: each((v) => Buffer.from(v).toString('hex')),
  'hex with colons': each((v) =>
    Buffer.from(v)
      .toString('hex')
      .toUpperCase()
      .replace(/..(?=.)/g, '$&:'),
  ),
  'YAML folded': each((v) => `v: ${JSON.stringify(v).replaceAll(' ', '\n    ')}`),
  'YAML block': each((v) => `v: |-\n    ${v.replaceAll('\n', '\n    ')}`),

  'json.dumps()': python('json.dumps(v)'),
  'json.dumps(ensure_ascii=False)': python('json.dumps(v, ensure_ascii=False)'),
  'repr()': python('repr(v)'),
  'ascii()': python('ascii(v)'),
  'repr() of bytes': python('v.encode()'),
  'repr() of a repr()': python('repr([repr({"v": v})])'),
  pprint: python('pprint.pformat({"v": v}, width=400)'),
  'html.escape()': python('html.escape(v)'),
  'xml.sax.saxutils.quoteattr()': python('sax.quoteattr(v)'),
  xmlcharrefreplace: python('v.encode("ascii", "xmlcharrefreplace").decode()'),
  'htmlentities()': python(
    '"".join("&%s;" % __import__("html.entities").entities.codepoint2name[ord(c)] ' +
      'if ord(c) in __import__("html.entities").entities.codepoint2name else c for c in v)',
  ),
  'shlex.quote()': python('shlex.quote(v)'),
  'shlex.quote() twice': python('shlex.quote(shlex.quote(v))'),
  'urllib quote() and quote_plus()': python('urllib.parse.quote(v) + " " + urllib.parse.quote_plus(v)'),
  base32: python('base64.b32encode(("u" + v).encode()).decode()'),
  'hexlify() with spaces': python('binascii.hexlify(v.encode(), " ").decode()'),
  'quoted-printable': python('quopri.encodestring(v.encode()).decode()'),
  'Data::Dumper': perl('Dumper($v)'),
  'JSON::PP in ASCII': perl('JSON::PP->new->ascii->allow_nonref->encode($v)'),
  'quotemeta()': perl('quotemeta($v)'),
  'jq tojson': jq('tojson'),
  'jq --ascii-output': jq('tojson', '-a'),
  'jq @sh': jq('@sh'),
  'jq @html': jq('@html'),
  'jq @uri': jq('@uri'),
  'jq @csv': jq('[.] | @csv'),
  'cat -v': shell(['sh', '-c'], 'printf %s "$v" | cat -v'),
  'cat -A': shell(['sh', '-c'], 'printf %s "$v" | cat -A'),
  base64: shell(['sh', '-c'], 'printf %s "$v" | base64 -w 20'),
  od: shell(['sh', '-c'], 'printf %s "$v" | od -An -v -tx1'),
  'xxd -p': shell(['sh', '-c'], 'printf %s "$v" | xxd -p'),
  "git's quoted paths": shell(
    ['sh', '-c'],
    'export HOME=/nonexistent; case $v in */* | .* | *\\\\*) exit;; esac; d=$(mktemp -d); cd "$d"; git init -q . && : >"$v"; git status --porcelain; ls -b; ls --quoting-style=shell-escape; ls --quoting-style=c; rm -r "$d"',
  ),
};

const everywhere = 'export -p; set; set -x; : "$v" "--password=$v"; w=$v; : ${w:+"$w"}';
const shells: Record<string, { readonly words: readonly string[]; readonly more?: string }> = {
  bash: {
    words: ['bash', '-c'],
    more: `; declare -p w; printf '%q\\n' "$v"; echo "\${v@Q}"; a=("$v"); declare -p a`,
  },
  'bash --posix': { words: ['bash', '--posix', '-c'] },
  dash: { words: ['dash', '-c'] },
  busybox: { words: ['busybox', 'ash', '-c'] },
  mksh: { words: ['mksh', '-c'], more: '; typeset -p w' },
  yash: { words: ['yash', '-c'], more: '; typeset -p w' },
  ksh93: { words: ['ksh93', '-c'], more: `; typeset -p w; printf '%q\\n' "$v"` },
  zsh: {
    words: ['zsh', '-f', '-c'],
    more: '; typeset -p w; print -r -- ${(q)v} ${(qq)v} ${(qqq)v} ${(qqqq)v} ${(q-)v} ${(q+)v} ${(V)v}',
  },
  posh: { words: ['posh', '-c'] },
};
for (const [name, { words, more = '' }] of Object.entries(shells)) {
  for (const locale of ['C', 'C.UTF-8']) {
    const encode = shell(words, everywhere + more, locale);
    // yash drops a value that the locale cannot hold.
    encoders[`${name} in locale ${locale}`] = (values) =>
      encode(values).map((output, i) =>
        output?.includes(values[i]?.slice(0, 4) ?? '') ? output : undefined,
      );
  }
}
encoders['printf %q of coreutils'] = (values) =>
  values.map((v) => spawnSync('/usr/bin/printf', ['%q', v]).stdout);

const seed = Number(process.env.SOIL_TEST_SEED ?? Date.now() % 2 ** 31);
const samples = fc.sample(sample, { numRuns: 24, seed });

for (const [name, encode] of Object.entries(encoders)) {
  test(`a secret is redacted as ${name} writes it`, (t) => {
    const printed = encode(samples.map(({ value }) => value));
    if (printed.every((output) => output === undefined)) {
      t.skip('the program is not installed');
      return;
    }
    let checked = 0;
    for (const [i, { value, parts }] of samples.entries()) {
      const output = printed[i];
      if (output === undefined || output.length === 0) continue;
      checked++;
      const bytes = Buffer.from(output as string);
      const redactor = createRedactor([{ name: 'S', value }]);
      for (const range of redactor.find(bytes)) overwrite(bytes, range);
      const left = bytes.toString('latin1');
      const shown = parts.filter((part) => left.includes(part));
      const told = `seed ${seed}: ${JSON.stringify(value)} is printed as ${String(output)}, and left: ${left}`;
      assert.deepEqual(shown, [], told);
      assert.match(left, /\*{5}/, told);
    }
    assert.ok(checked > 0, 'no value could be written');
  });
}

/** Redacts a stream that arrives in two pieces. */
function redactPieces(redactor: Redactor, bytes: Buffer, cut: number): Buffer {
  const stream = new StreamRedactor(redactor);
  const first = Buffer.from(bytes.subarray(0, cut));
  const ready = stream.redact(first, false);
  const rest = Buffer.concat([first.subarray(ready), bytes.subarray(cut)]);
  stream.redact(rest, true);
  return Buffer.concat([first.subarray(0, ready), rest]);
}

test('a secret is redacted wherever the output is cut into two pieces', () => {
  const spell = (value: string): readonly string[] => [
    value,
    JSON.stringify(JSON.stringify(value)),
    units(value, (hex) => `\\u${hex}`),
    escapeAll(value, (c) => `&amp;#${c};`),
    `'${value.replaceAll("'", `'\\''`)}'`,
    Buffer.from(`user:${value}`).toString('base64').replace(/.{20}/g, '$&\r\n'),
  ];
  fc.assert(
    fc.property(sample, ({ value, parts }) => {
      const redactor = createRedactor([{ name: 'S', value }]);
      for (const text of spell(value)) {
        const bytes = Buffer.from(`before ${text} after`);
        for (let cut = 0; cut <= bytes.length; cut++) {
          const left = redactPieces(redactor, bytes, cut).toString('latin1');
          assert.ok(
            !parts.some((part) => left.includes(part)),
            `${JSON.stringify(text)} cut at ${cut}: ${left}`,
          );
          assert.match(left, /^before .*\*{4}[^]* after$/);
        }
      }
    }),
    { numRuns: 20, seed },
  );
});
