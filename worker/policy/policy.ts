/** What the owner of a machine allows its jobs: the policy of one file, and the strict one of untrusted jobs. */
import { readTable, type TableValues } from '../../model/key-table.js';
import type { Result } from '../../model/result.js';
import { plainValues, type LocatedValue } from '../../model/value-list.js';
import { finishReading, readYaml } from '../../model/yaml-reader.js';
import { policyKeys } from './policy-keys.js';

/** Patterns of which one must match, or any value at all. */
export type Allowed = 'any' | readonly string[];

export interface Policy {
  readonly untrusted: 'default' | 'forks' | 'always';
  readonly engineFlags: Allowed;
  readonly build: boolean;
  readonly buildFlags: Allowed;
  readonly images: Allowed;
  readonly imageFiles: 'any' | 'repo' | 'none';
  readonly raw: boolean;
  readonly ssh: Allowed;
  readonly network: Allowed;
  readonly ptrace: boolean;
  readonly gitWritable: boolean;
  readonly secrets: Allowed;
  readonly publish: boolean;
  readonly publishRaw: boolean;
}

/** A policy and where it comes from, for messages: `in /etc/soil/policy.yml`. Every policy that holds must allow a job. */
export interface PolicySource {
  readonly policy: Policy;
  readonly origin: PolicyOrigin;
}

export type PolicyOrigin =
  | { readonly kind: 'file'; readonly file: string }
  /** why the job is not trusted: `--untrusted`, or an event */
  | { readonly kind: 'untrusted'; readonly reason: string };

/** The policy of a machine without a policy file. */
export const openPolicy: Policy = {
  untrusted: 'default',
  engineFlags: 'any',
  build: true,
  buildFlags: 'any',
  images: 'any',
  imageFiles: 'any',
  raw: true,
  ssh: 'any',
  network: 'any',
  ptrace: true,
  gitWritable: true,
  secrets: 'any',
  publish: true,
  publishRaw: true,
};

/** The policy of an untrusted job, which holds beside those of the files. */
export const strictPolicy: Policy = {
  untrusted: 'default',
  engineFlags: [],
  build: true,
  buildFlags: [],
  images: 'any',
  imageFiles: 'repo',
  raw: false,
  ssh: [],
  network: ['default', 'none'],
  ptrace: false,
  gitWritable: false,
  secrets: [],
  publish: true,
  publishRaw: false,
};

/** Parses a policy file. `file` starts each fault. A key that is absent allows everything. Pure. */
export function parsePolicy(content: string, file: string): Result<Policy> {
  const { source, root } = readYaml(content, file);
  if (source.faults.length > 0) return finishReading(source, openPolicy);
  const read = readTable(source, root, { table: policyKeys, what: 'the policy' });
  return finishReading(source, read === undefined ? openPolicy : policyOf(read.values));
}

function policyOf(values: TableValues<typeof policyKeys.keys>['values']): Policy {
  const { untrusted, raw, ptrace, publish, network } = values;
  return {
    untrusted: untrusted ?? openPolicy.untrusted,
    engineFlags: allowedOf(values['engine-flags']),
    build: values.build ?? openPolicy.build,
    buildFlags: allowedOf(values['build-flags']),
    images: allowedOf(values.images),
    imageFiles: values['image-files'] ?? openPolicy.imageFiles,
    raw: raw ?? openPolicy.raw,
    ssh: allowedOf(values.ssh),
    // `none` is a network, too.
    network: network === undefined ? 'any' : anyOr(plainValues(network)),
    ptrace: ptrace ?? openPolicy.ptrace,
    gitWritable: values['git-writable'] ?? openPolicy.gitWritable,
    secrets: allowedOf(values.secrets),
    publish: publish ?? openPolicy.publish,
    publishRaw: values['publish-raw'] ?? openPolicy.publishRaw,
  };
}

function allowedOf(located: readonly LocatedValue<string>[] | undefined): Allowed {
  if (located === undefined) return 'any';
  const list = plainValues(located);
  return list.length === 1 && list[0] === 'none' ? [] : anyOr(list);
}

const anyOr = (list: readonly string[]): Allowed => (list.includes('any') ? 'any' : list);

/** Reports whether a pattern of the list matches the whole value. */
export function isAllowed(value: string, allowed: Allowed): boolean {
  return allowed === 'any' || allowed.some((pattern) => matches(value, pattern));
}

/** Matches without a regular expression, whose time could grow with the square of a value that the repo chose. */
function matches(value: string, pattern: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  if (!value.startsWith(first)) return false;
  const last = rest.pop();
  if (last === undefined) return value === first;
  let at = first.length;
  for (const part of rest) {
    const found = value.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return value.length - last.length >= at && value.endsWith(last);
}

/** Returns what a policy does not leave open, as it would be written in a file on one line. */
export function describePolicy(policy: Policy): string {
  const values: Readonly<Record<string, unknown>> = { ...policy };
  const open: Readonly<Record<string, unknown>> = { ...openPolicy };
  const set = Object.keys(policyKeys.keys).flatMap((key) => {
    const name = key.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
    const value = values[name];
    return value === open[name] ? [] : [`${key}: ${formatValue(value)}`];
  });
  return set.length === 0 ? 'allows everything' : set.join(', ');
}

function formatValue(value: unknown): string {
  if (!Array.isArray(value)) return String(value);
  return value.length === 0 ? 'none' : value.join(' ');
}
