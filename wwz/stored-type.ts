/** Recognizes compressed files by their extensions. They are stored, not deflated. Pure. */

const compressed = new Set(
  (
    '7z apk avif br bz2 deb docx flac gif gz heic jar jpeg jpg lz lz4 lzma m4a m4v mkv mov mp3 mp4 odt ogg opus pdf ' +
    'png pptx rar rpm tbz tgz txz webm webp whl woff woff2 wwz xlsx xz zip zst'
  ).split(' '),
);

/** Returns whether the extension of a file is that of a compressed type. */
export function isCompressedType(name: string): boolean {
  const dot = name.lastIndexOf('.');
  return dot > name.lastIndexOf('/') + 1 && compressed.has(name.slice(dot + 1).toLowerCase());
}
