/** The types of values that only soil.yml has: images, paths, commands, branches. */
import { findInvisible } from '../../model/invisible.js';
import { parseJobName, parseTaskName, type JobName, type TaskName } from '../../model/name.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { parseResultPath } from '../../model/task.js';
import { mapOf } from '../../model/value-list.js';
import { anyText, parsedText, text } from '../../model/value-type.js';
import type { ImageSource } from './job-declaration.js';

export const jobNamePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

export const jobName = parsedText<JobName>({
  parse: parseJobName,
  pattern: jobNamePattern,
  label: 'job name',
});

export const taskName = parsedText<TaskName>({
  parse: parseTaskName,
  pattern:
    /^[^/\\.\s\p{Cc}\p{Default_Ignorable_Code_Point}-][^/\\\p{Cc}\p{Default_Ignorable_Code_Point}\u2800]{0,119}$/u,
  label: 'text',
});

/** A name that another part of the file declares, which is checked after the whole file was read. */
export const declaredName = text('name');

/** Shell text. No shell accepts a NUL character. */
export const command = parsedText({
  parse: parseCommand,
  pattern: /^[^\u0000]*[^\s\u0000][^\u0000]*$/,
  label: 'shell text',
});

function parseCommand(value: string, what: string): Result<string> {
  if (value.includes('\0')) return refuse(`cannot accept ${what} ${quote(value)}: it has a NUL character`);
  if (value.trim() === '') return refuse(`cannot accept ${what} ${quote(value)}: it is empty`);
  return accept(value);
}

/** A file, folder or glob below the repository. */
export const resultPath = parsedText({
  parse: parseDeclaredPath,
  pattern: /^[^/\\\u0000-\u001f\u007f][^\\\u0000-\u001f\u007f]*$/,
  label: 'path',
});

/** Refuses invisible characters, too: a declared path is typed, and pages show it. */
function parseDeclaredPath(value: string, what: string): Result<string> {
  const hidden = findInvisible(value);
  if (hidden === undefined || value.includes('\\')) return parseResultPath(value, what);
  return refuse(`cannot accept ${what} ${quote(value)}: it has ${hidden}, a control or invisible character`);
}

/** A file of the repository whose last part becomes its name on the site. */
export const artifact = parsedText({
  parse: parseArtifact,
  pattern: /^([^/\\\u0000-\u001f\u007f][^\\\u0000-\u001f\u007f]*\/)?[A-Za-z0-9_+][A-Za-z0-9._+~-]{0,199}$/,
  label: 'path',
});

function parseArtifact(value: string, what: string): Result<string> {
  const path = parseResultPath(value, what);
  if (!path.ok) return path;
  const name = value.split('/').at(-1) ?? '';
  if (/^[A-Za-z0-9_+][A-Za-z0-9._+~-]{0,199}$/.test(name)) return path;
  return refuse(
    `cannot accept ${what} ${quote(value)}: its file name must consist of letters, digits and . _ + ~ -, ` +
      'and start with a letter or digit',
  );
}

/** A path of a build. It must be below the repository, because a build reads only the commit that is tested. */
export const buildPath = parsedText({
  parse: parseBuildPath,
  pattern: /^[^\p{Cc}/-][^\p{Cc}]{0,999}$/u,
  label: 'path',
});

function parseBuildPath(value: string, what: string): Result<string> {
  const isInside = !value.startsWith('/') && !value.split('/').includes('..');
  if (isInside && /^[^\p{Cc}-][^\p{Cc}]{0,999}$/u.test(value)) return accept(value);
  return refuse(`cannot accept ${what} ${quote(value)}: it must be a path below the repository's root`);
}

/** A value of an option of podman and docker. It must not look like another option. */
export const engineWord = text('one word', {
  pattern: /^[^\s\p{Cc}-][^\s\p{Cc}]*$/u,
  expected: 'one word that does not start with "-"',
});

const variablePattern = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Returns whether text can be the name of a variable. `__proto__` would replace the prototype of the object of variables. */
const isVariableName = (name: string): boolean => variablePattern.test(name) && name !== '__proto__';

/** A day, as in ISO 8601. */
export const date = parsedText({ parse: parseDay, pattern: /^\d{4}-\d{2}-\d{2}$/, label: 'date' });

function parseDay(value: string, what: string): Result<string> {
  const time = /^\d{4}-\d{2}-\d{2}$/.test(value) ? Date.parse(`${value}T00:00:00Z`) : NaN;
  // Date.parse() reads February 30 as March 2.
  if (!Number.isNaN(time) && new Date(time).toISOString().startsWith(value)) return accept(value);
  return refuse(`cannot accept ${what} ${quote(value)}: it must be a date such as 2027-01-31`);
}

/** The name of a variable of the worker's environment. */
export const variableName = parsedText({
  parse: (value, what) =>
    isVariableName(value)
      ? accept(value)
      : refuse(`cannot accept ${what} ${quote(value)}: it must be the name of a variable`),
  pattern: variablePattern,
  label: 'variable name',
});

/** Variables. The values are text as written, such as `1.10` and `yes`; a missing value is the empty text. */
export const environment = mapOf({
  parseName: (name) =>
    isVariableName(name)
      ? accept(name)
      : refuse(
          `cannot accept variable ${quote(name)}: a name consists of letters, digits and "_", and is not "__proto__"`,
        ),
  namePattern: variablePattern,
  value: anyText,
  item: 'variable',
  label: 'map of variables',
});

/**
 * Where `image: ssh:DEST` connects to: `USER@HOST` or a name. Neither part starts with `-`, so that ssh cannot read it as an
 * option. Characters that a shell interprets are refused as well: a `ProxyCommand` with `%h` or `%r` passes both to a shell.
 */
const sshPattern = /^ssh:(?:[\p{L}\p{N}_.][\p{L}\p{N}_.+-]{0,99}@)?[\p{L}\p{N}_:][\p{L}\p{N}_.:%-]{0,252}$/u;

const imagePattern = /^[A-Za-z0-9][A-Za-z0-9._:/@+-]*$/;
const imageForms = ['docker-archive', 'oci', 'rootfs'] as const;
/** Matches a job that runs on another machine. */
export const imageSshPattern = /^ssh:/;
/** Matches an image that is read from a file or folder. */
export const imageFilePattern = /^(docker-archive|oci|rootfs):/;

/** Where tasks run. The reader of the job adds `pull` to a named image. */
export const image = parsedText({
  parse: parseImage,
  pattern:
    /^((docker-archive|oci|rootfs):[^\p{Cc}:]{1,1000}|ssh:([\p{L}\p{N}_.][\p{L}\p{N}_.+-]{0,99}@)?[\p{L}\p{N}_:][\p{L}\p{N}_.:%-]{0,252}|(?!(docker-archive|oci|rootfs|ssh):)[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,399})$/u,
  label: 'image',
});

/**
 * Parses `none`, another machine (`ssh:DEST`), a file or folder that holds an image (`oci:DIR`), or a name that podman and
 * docker accept.
 */
export function parseImage(value: string, what = 'image'): Result<ImageSource> {
  const because = (reason: string) => refuse(`cannot accept ${what} ${quote(value)}: ${reason}`);
  if (value === 'none') return accept({ kind: 'none' });
  if (/^(none|null|~)$/i.test(value)) return because('write none to run on the machine itself');
  if (value.startsWith('ssh:')) {
    if (sshPattern.test(value)) return accept({ kind: 'ssh', destination: value.slice('ssh:'.length) });
    return because(
      'ssh: must be followed by USER@HOST or a name of the ssh configuration: letters, digits and . _ + - ' +
        '(in the host also : and %), neither part starting with "-". The configuration sets port and key',
    );
  }
  const form = imageForms.find((known) => value.startsWith(`${known}:`));
  if (form !== undefined) {
    const path = value.slice(form.length + 1);
    // podman reads what follows a second colon as a tag.
    if (/^[^\p{Cc}:]{1,1000}$/u.test(path)) return accept({ kind: 'file', form, path });
    return because(
      `${form}: must be followed by a path without colons, absolute or relative to the repository's root`,
    );
  }
  if (value.length <= 400 && imagePattern.test(value)) {
    return accept({ kind: 'named', name: value, pull: 'missing' });
  }
  return because(
    'it must be none, or an image name such as debian:12 ' +
      '(letters, digits and . _ : / @ + -, starting with a letter or digit)',
  );
}

export const branch = parsedText({ parse: parseBranch, pattern: /^[^\s\p{Cc}]{1,200}$/u, label: 'branch' });

/** Parses a branch name without `refs/heads/`, by the rules of git's check-ref-format. */
export function parseBranch(value: string, what = 'branch'): Result<string> {
  const isBad =
    /^[-/]|[/.]$|\/\/|\.\.|@\{|[\s\p{Cc}~^:?*[\\]|(^|\/)\.|\.lock(\/|$)/u.test(value) ||
    value === '@' ||
    value === '' ||
    value.length > 200;
  if (!isBad) return accept(value);
  return refuse(`cannot accept ${what} ${quote(value)}: git does not allow this branch name`);
}
