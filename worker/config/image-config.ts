/** The keys `image`, `pull` and `build` of a job in soil.yml, or the word of `--image` -> an ImageSource. Faults go to the source. */
import { accept, quote, refuse, type Result } from '../../model/result.js';
import type { ImageSource, PullRule } from './job-declaration.js';
import { parsePositiveDuration } from './task-config.js';
import {
  fault,
  isMapEntry,
  readMap,
  readWord,
  readWords,
  type Entry,
  type YamlSource,
} from '../../model/yaml-reader.js';

const defaultBuildSeconds = 3600;
const whenWords = ['missing', 'always', 'never'] as const;
type When = (typeof whenWords)[number];

/** What a job's map says of its image; undefined where a fault was told. */
export function readImage(
  source: YamlSource,
  map: ReadonlyMap<string, Entry>,
  job: Entry,
): ImageSource | undefined {
  const [image, build, pullEntry] = ['image', 'build', 'pull'].map((key) => map.get(key));
  if (image !== undefined && build !== undefined) {
    fault(source, build.keyOffset, `cannot accept job ${quote(job.key)}: it has both image and build`);
    return undefined;
  }
  const pull = pullEntry && readPull(source, pullEntry);
  if (build !== undefined) {
    if (pullEntry !== undefined) refusePull(source, pullEntry);
    return readBuild(source, build);
  }
  if (image === undefined) {
    fault(source, job.keyOffset, `cannot accept job ${quote(job.key)}: image is missing; name one, or none`);
    return undefined;
  }
  const named = readWord(source, image, 'image', (text) => parseImage(text, pull));
  if (pullEntry !== undefined && named?.kind === 'file') refusePull(source, pullEntry);
  return named;
}

function refusePull(source: YamlSource, pull: Entry): void {
  fault(source, pull.keyOffset, `cannot accept key ${quote(pull.key)}: the job's image is not pulled`);
}

const pathForms = ['docker-archive', 'oci', 'rootfs'] as const;

/** `none`, a file or folder that holds an image, or the name of one as podman and docker take it. */
export function parseImage(text: string, pull?: PullRule, what = 'image'): Result<ImageSource> {
  if (text === 'none') return accept({ kind: 'none' });
  if (/^(none|null|~)$/i.test(text)) {
    return refuse(`cannot accept ${what} ${quote(text)}: the raw machine is written none`);
  }
  const form = pathForms.find((known) => text.startsWith(`${known}:`));
  if (form !== undefined) {
    const path = text.slice(form.length + 1);
    // podman itself takes a further colon as the beginning of a tag.
    if (/^[^\p{Cc}:]{1,1000}$/u.test(path)) return accept({ kind: 'file', form, path });
    return refuse(
      `cannot accept ${what} ${quote(text)}: after ${form}: comes a path without colons, absolute or from the repo's root`,
    );
  }
  if (text.length <= 400 && /^[A-Za-z0-9][A-Za-z0-9._:/@+-]*$/.test(text)) {
    return accept({ kind: 'named', name: text, ...(pull ?? { pull: 'missing' }) });
  }
  return refuse(
    `cannot accept ${what} ${quote(text)}: it must be none, or an image name such as debian:12 ` +
      '(letters, digits and . _ : / @ + -, beginning with a letter or digit)',
  );
}

/** `missing`, or a map of `when`, `retries` and `timeout`. */
function readPull(source: YamlSource, entry: Entry): PullRule | undefined {
  if (!isMapEntry(entry)) {
    const pull = readWord(source, entry, 'pull', parseWhen);
    return pull && { pull };
  }
  const map = readMap(source, entry, 'pull', ['when', 'retries', 'timeout']);
  if (map === undefined) return undefined;
  const [when, retries, timeout] = ['when', 'retries', 'timeout'].map((key) => map.get(key));
  const pull = when && readWord(source, when, 'when', parseWhen);
  const pullRetries = retries && readWord(source, retries, 'retries', parseRetries);
  const seconds =
    timeout && readWord(source, timeout, 'timeout', (text) => parsePositiveDuration(text, 'timeout'));
  return {
    pull: pull ?? 'missing',
    ...(pullRetries !== undefined && { pullRetries }),
    ...(seconds !== undefined && { pullTimeoutSeconds: seconds }),
  };
}

function parseWhen(text: string): Result<When> {
  const when = whenWords.find((word) => word === text);
  if (when !== undefined) return accept(when);
  return refuse(`cannot accept pull ${quote(text)}: it must be one of ${whenWords.join(', ')}`);
}

function parseRetries(text: string): Result<number> {
  if (/^\d{1,2}$/.test(text)) return accept(Number(text));
  return refuse(`cannot accept retries ${quote(text)}: it must be a whole number from 0 to 99`);
}

/** A Containerfile's path, or a map of `file`, `context`, `timeout` and `flags`. */
function readBuild(source: YamlSource, entry: Entry): ImageSource | undefined {
  const plain = { context: '.', timeoutSeconds: defaultBuildSeconds, flags: [] };
  const path = (at: Entry, what: string): string | undefined =>
    readWord(source, at, what, (text) => parseBuildPath(text, what));
  if (!isMapEntry(entry)) {
    const file = path(entry, 'build');
    return file === undefined ? undefined : { kind: 'build', file, ...plain };
  }
  const map = readMap(source, entry, 'build', ['file', 'context', 'timeout', 'flags']);
  if (map === undefined) return undefined;
  const [fileEntry, context, timeout, flags] = ['file', 'context', 'timeout', 'flags'].map((k) => map.get(k));
  if (fileEntry === undefined) fault(source, entry.offset, 'cannot accept build: file is missing');
  const file = fileEntry && path(fileEntry, 'file');
  const folder = context && path(context, 'context');
  const seconds =
    timeout && readWord(source, timeout, 'timeout', (text) => parsePositiveDuration(text, 'timeout'));
  const words = flags ? readWords(source, flags, 'flags', (text) => accept(text)) : [];
  if (file === undefined) return undefined;
  return {
    kind: 'build',
    file,
    context: folder ?? plain.context,
    timeoutSeconds: seconds ?? plain.timeoutSeconds,
    flags: words.map(({ value }) => value),
  };
}

/** Below the repo: what a build reads is of the commit that is tested. */
function parseBuildPath(text: string, what: string): Result<string> {
  const isInside = !text.startsWith('/') && !text.split('/').includes('..');
  if (isInside && /^[^\p{Cc}-][^\p{Cc}]{0,999}$/u.test(text)) return accept(text);
  return refuse(`cannot accept ${what} ${quote(text)}: it must be a path below the repo's root`);
}

/** An image's source as one word, as a reader of soil.yml knows it. */
export function formatImage(image: ImageSource): string {
  switch (image.kind) {
    case 'none':
      return 'none';
    case 'named':
      return image.name;
    case 'file':
      return `${image.form}:${image.path}`;
    case 'build':
      return `build:${image.file}`;
  }
}
