/** Finds the variables that a job's `engine-flags` give to its container, since their values may be secrets. */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { resolve, sep } from 'node:path';
import { errorMessage } from '../../model/error-message.js';
import { quote } from '../../model/result.js';
import { maxSecretBytes, minSecretBytes, type Secret } from './secret-pattern.js';

export interface FlagSecrets {
  readonly secrets: readonly Secret[];
  readonly notices: readonly string[];
}

/** A variable that a flag gives to the container. */
interface GivenVariable {
  readonly name: string;
  readonly value: string;
  /** whether the value is not in the repository */
  readonly isPrivate: boolean;
}

// cspell:ignore LOGNAME OLDPWD COLORTERM APIKEY
/** Variables with the same values on many machines, or with values that every log shows. */
const commonNames =
  /^(?:CI|PATH|HOME|USER|LOGNAME|SHELL|PWD|OLDPWD|TMPDIR|HOSTNAME|TERM|COLORTERM|COLUMNS|LINES|TZ|EDITOR|PAGER|DISPLAY|LANG|LANGUAGE|LC_.*|XDG_.*|NO_COLOR|FORCE_COLOR|SOIL_.*|GITHUB_.*|RUNNER_.*|BUILD_.*|NODE_VERSION|.*_(?:COLORS?|VERSION|DIR|HOME|PATH|ROOT))$/;
/** As in `secret_name` of shims/diagnose.sh. */
const secretNames =
  /TOKEN|SECRET|PASS|CRED|PRIVATE|APIKEY|(?:^|_)KEY(?:_|$)|COOKIE|SESSION|SIGNATURE|_PAT$|AUTH(?:_|$)|_DSN$|WEBHOOK/i;
/** A shorter value of a variable without such a name is more likely a word than a secret. */
const minUnnamedBytes = 8;
const maxFileBytes = 1_000_000;

/**
 * Returns the variables that `engine-flags` give to the tasks and that may be secrets: `--env NAME` (podman also:
 * `NAME*`), `--env NAME=VALUE`, `-e`, and `--env-file`. A value that is in the repository is one if its name says so.
 * A notice names what cannot be redacted.
 */
export async function findFlagSecrets(
  flags: readonly string[],
  {
    environment,
    repo,
  }: { readonly environment: Readonly<Record<string, string | undefined>>; readonly repo: string },
): Promise<FlagSecrets> {
  const secrets: Secret[] = [];
  const notices: string[] = [];
  const given: GivenVariable[] = [];
  for (const { kind, text } of readFlags(flags)) {
    if (kind === 'env') given.push(...readAssignment(text, environment, false));
    else given.push(...(await readEnvFile(text, environment, repo, notices)));
  }
  for (const { name, value, isPrivate } of given) {
    const bytes = Buffer.byteLength(value.trim());
    const isNamed = secretNames.test(name);
    if (bytes === 0 || (!isNamed && (!isPrivate || commonNames.test(name) || bytes < minUnnamedBytes)))
      continue;
    if (bytes < minSecretBytes || bytes > maxSecretBytes) {
      const why = bytes < minSecretBytes ? `shorter than ${minSecretBytes}` : `longer than ${maxSecretBytes}`;
      if (isPrivate)
        notices.push(`cannot redact variable ${quote(name)} of engine-flags: its value is ${why} bytes`);
    } else secrets.push({ name, value, isFromFlag: true });
  }
  return { secrets, notices };
}

/** Lists the values of `--env` and `--env-file` in all the ways in which podman and docker read them. */
function readFlags(flags: readonly string[]): readonly { kind: 'env' | 'file'; text: string }[] {
  const found: { kind: 'env' | 'file'; text: string }[] = [];
  for (const [i, flag] of flags.entries()) {
    const next = flags[i + 1];
    const long = /^--env(-file)?(?:=(.*))?$/s.exec(flag);
    // Short flags can be joined: `-ite NAME`. None of those before it takes a value.
    const short = /^-[diPqt]*e=?(.*)$/s.exec(flag);
    const kind = long?.[1] === undefined ? 'env' : 'file';
    const own = long === null ? short?.[1] : long[2];
    const text = own === undefined || (long === null && own === '') ? next : own;
    if ((long !== null || short !== null) && text !== undefined) found.push({ kind, text });
  }
  return found;
}

function readAssignment(
  text: string,
  environment: Readonly<Record<string, string | undefined>>,
  isPrivate: boolean,
): readonly GivenVariable[] {
  const equals = text.indexOf('=');
  if (equals >= 0) return [{ name: text.slice(0, equals), value: text.slice(equals + 1), isPrivate }];
  const isGiven = text.endsWith('*')
    ? (name: string): boolean => name.startsWith(text.slice(0, -1))
    : (name: string): boolean => name === text;
  return Object.entries(environment).flatMap(([name, value]) =>
    value !== undefined && isGiven(name) ? [{ name, value, isPrivate: true }] : [],
  );
}

async function readEnvFile(
  file: string,
  environment: Readonly<Record<string, string | undefined>>,
  repo: string,
  notices: string[],
): Promise<readonly GivenVariable[]> {
  // The engine runs in the worker's directory, and the worker in the repository.
  const path = resolve(repo, file);
  try {
    const lines = (await readRegularFile(path)).split(/\r?\n/).map((line) => line.trimStart());
    return lines
      .filter((line) => line !== '' && !line.startsWith('#'))
      .flatMap((line) => readAssignment(line, environment, !path.startsWith(repo + sep)));
  } catch (error) {
    notices.push(`cannot redact the values of --env-file ${quote(file, 200)}: ${errorMessage(error)}`);
    return [];
  }
}

/** Throws for a file that is too large, or that would keep the worker waiting. */
async function readRegularFile(path: string): Promise<string> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw new Error('not a regular file');
    if (stats.size > maxFileBytes) throw new Error(`larger than ${maxFileBytes} bytes`);
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}
