/** Chooses the Content-Type of a file by its name. The same on every machine. Pure. */
import { mimes } from 'mrmime';

export const plainText = 'text/plain; charset=utf-8';

/** Types that mrmime lacks, and types of files that browsers would download instead of showing them. */
const exceptions: Readonly<Record<string, string>> = {
  // Browsers show text/plain, and download types like text/tab-separated-values.
  [plainText]:
    'txt tsv log md rst sh bash osh ysh ksh zsh py pyi c h cc cpp cxx hpp hh rs go java kt rb pl lua ts tsx jsx ' +
    'yml yaml toml ini cfg conf mk cmake ninja diff patch asdl s asm map out err tap trs list awk sed hbs sql',
  'application/json': 'jsonl',
  'application/xml': 'xml',
  'application/zip': 'wwz',
  'application/gzip': 'gz tgz svgz x3dz',
  'application/x-tar': 'tar',
  'application/x-xz': 'xz txz',
  'application/zstd': 'zst',
  'application/x-bzip2': 'bz2',
  'image/x-icon': 'ico',
};

const exceptionOf = new Map(
  Object.entries(exceptions).flatMap(([type, extensions]) =>
    extensions.split(' ').map((extension) => [extension, type] as const),
  ),
);

/**
 * Returns the type of a file by the last part of its path. A name without an extension is text (README, Makefile, the
 * `stdout` of a task). Browsers download a file with an unknown extension, since they are told not to guess.
 */
export function contentType(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const dot = name.lastIndexOf('.');
  if (dot <= 0) return plainText;
  const extension = name.slice(dot + 1).toLowerCase();
  const exception = exceptionOf.get(extension);
  if (exception !== undefined) return exception;
  // lookup() of mrmime also finds the properties that every object has, like `constructor`.
  const type = Object.hasOwn(mimes, extension) ? mimes[extension] : undefined;
  if (type === undefined) return 'application/octet-stream';
  return type.startsWith('text/') ? `${type}; charset=utf-8` : type;
}

/** Reports whether files of this type are worth compressing. */
export function isText(type: string): boolean {
  return /^text\/|[/+](json|xml)\b|^application\/wasm$/.test(type);
}
