/** Which files are compressed already, by their names' extensions: those are stored, not deflated once more. Pure. */

const compressed = new Set(
  (
    '7z apk avif br bz2 deb docx flac gif gz heic jar jpeg jpg lz lz4 lzma m4a m4v mkv mov mp3 mp4 odt ogg opus pdf ' +
    'png pptx rar rpm tbz tgz txz webm webp whl woff woff2 wwz xlsx xz zip zst'
  ).split(' '),
);

export function isCompressedType(name: string): boolean {
  const dot = name.lastIndexOf('.');
  return dot > name.lastIndexOf('/') + 1 && compressed.has(name.slice(dot + 1).toLowerCase());
}
