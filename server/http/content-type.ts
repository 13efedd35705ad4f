/** A file's name -> the Content-Type it is served with. A fixed table: the same on every machine. Pure. */

const table: Readonly<Record<string, string>> = {
  'text/html; charset=utf-8': 'html htm',
  'text/css; charset=utf-8': 'css',
  'text/javascript; charset=utf-8': 'js mjs',
  'text/csv; charset=utf-8': 'csv',
  'text/plain; charset=utf-8':
    // Browsers show text/plain in place, and only download text/tab-separated-values.
    'txt tsv log md rst sh bash osh ysh ksh zsh py pyi c h cc cpp cxx hpp hh rs go java kt rb pl lua ts tsx jsx ' +
    'yml yaml toml ini cfg conf mk cmake ninja diff patch asdl s asm map out err tap trs list awk sed hbs sql',
  'application/json': 'json jsonl',
  'application/xml': 'xml xsl xsd',
  'application/atom+xml': 'atom',
  'application/xhtml+xml': 'xhtml',
  'application/wasm': 'wasm',
  'application/pdf': 'pdf',
  'application/zip': 'zip wwz',
  'application/gzip': 'gz tgz',
  'application/x-tar': 'tar',
  'application/x-xz': 'xz txz',
  'application/zstd': 'zst',
  'application/x-bzip2': 'bz2',
  'image/svg+xml': 'svg',
  'image/png': 'png',
  'image/jpeg': 'jpg jpeg',
  'image/gif': 'gif',
  'image/webp': 'webp',
  'image/avif': 'avif',
  'image/x-icon': 'ico',
  'font/woff': 'woff',
  'font/woff2': 'woff2',
  'font/ttf': 'ttf',
  'font/otf': 'otf',
  'audio/mpeg': 'mp3',
  'audio/ogg': 'ogg',
  'video/mp4': 'mp4',
  'video/webm': 'webm',
};

const byExtension = new Map(
  Object.entries(table).flatMap(([type, extensions]) => extensions.split(' ').map((e) => [e, type] as const)),
);

export const plainText = 'text/plain; charset=utf-8';

/**
 * The type for a path's last part. Without an extension it is text (README, Makefile, a task's `stdout`); with one
 * that is not in the table it is bytes to download, since browsers are told not to guess.
 */
export function contentType(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const dot = name.lastIndexOf('.');
  if (dot <= 0) return plainText;
  return byExtension.get(name.slice(dot + 1).toLowerCase()) ?? 'application/octet-stream';
}

/** Whether gzip makes files of this type much smaller. */
export function isText(type: string): boolean {
  return /^text\/|[/+](json|xml)\b|^application\/wasm$/.test(type);
}
