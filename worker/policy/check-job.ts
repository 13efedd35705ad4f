/** Compares a job with the policies that hold for it. */
import { realpathSync } from 'node:fs';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { quote } from '../../model/result.js';
import { formatImage } from '../config/image-config.js';
import type { JobDeclaration } from '../config/job-declaration.js';
import { isAllowed, type Allowed, type Policy, type PolicySource } from './policy.js';
import type { policyKeys } from './policy-keys.js';

export type PolicyKey = keyof typeof policyKeys.keys;

/** Something that a job asks for, and whether one policy allows it. */
interface Request {
  /** as in `engine flag "--privileged"` */
  readonly what: string;
  /** the key of the policy that decides */
  readonly key: PolicyKey;
  readonly isAllowed: (policy: Policy) => boolean;
}

/** Returns a sentence for each thing that a policy refuses, with the key and the file that decided; none: it may run. */
export function checkJob(
  job: JobDeclaration,
  policies: readonly PolicySource[],
  { repo }: { readonly repo: string },
): readonly string[] {
  return refusals(`run job ${quote(job.name)}`, listRequests(job, repo), policies);
}

/** Returns why the results of jobs must not be published; none: they may. */
export function checkPublishing(action: string, policies: readonly PolicySource[]): readonly string[] {
  const request: Request = { what: 'publishing', key: 'publish', isAllowed: ({ publish }) => publish };
  return refusals(action, [request], policies);
}

/** Returns why a job on the raw machine must not be run and published by one command. */
export function checkRawPublishing(
  job: JobDeclaration,
  policies: readonly PolicySource[],
): readonly string[] {
  const request: Request = {
    what: 'publishing a job on the raw machine while it runs',
    key: 'publish-raw',
    isAllowed: ({ publishRaw }) => publishRaw,
  };
  return refusals(`run job ${quote(job.name)}`, [request], policies);
}

function refusals(
  action: string,
  requests: readonly Request[],
  policies: readonly PolicySource[],
): readonly string[] {
  return requests.flatMap(({ what, key, isAllowed: isAllowedBy }) => {
    const refusing = policies.find(({ policy }) => !isAllowedBy(policy));
    if (refusing === undefined) return [];
    const { origin } = refusing;
    const why =
      origin.kind === 'file'
        ? `key ${quote(key)} of ${origin.file}`
        : `the job is untrusted (${origin.reason})`;
    return [`cannot ${action}: ${what} is not allowed: ${why}`];
  });
}

function listRequests(job: JobDeclaration, repo: string): readonly Request[] {
  const { image } = job;
  const destinations = image.kind === 'ssh' ? [image.destination] : [];
  const hasContainer = image.kind !== 'none' && destinations.length === 0;
  const list = (
    items: readonly string[],
    [noun, key]: readonly [string, PolicyKey],
    allowedBy: (policy: Policy) => Allowed,
  ): Request[] =>
    [...new Set(items)].map((item) => ({
      ...{ what: `${noun} ${quote(item, 200)}`, key },
      isAllowed: (policy) => isAllowed(item, allowedBy(policy)),
    }));
  return [
    ...(image.kind === 'none' ? [rawRequest] : []),
    ...(image.kind === 'build' ? [buildRequest] : []),
    ...(image.kind === 'file' ? [fileRequest(formatImage(image), image.path, repo)] : []),
    ...(image.kind === 'named' && transport.test(image.name) ? [transportRequest(image.name)] : []),
    ...list(image.kind === 'named' ? [image.name] : [], ['image', 'images'], ({ images }) => images),
    ...list(
      image.kind === 'build' ? image.flags : [],
      ['build flag', 'build-flags'],
      ({ buildFlags }) => buildFlags,
    ),
    ...list(job.engineFlags, ['engine flag', 'engine-flags'], ({ engineFlags }) => engineFlags),
    ...list(hasContainer ? [job.network ?? 'default'] : [], ['network', 'network'], ({ network }) => network),
    ...list(job.secrets ?? [], ['secret', 'secrets'], ({ secrets }) => secrets),
    ...list(destinations, ['SSH destination', 'ssh'], ({ ssh }) => ssh),
    ...(job.ptrace === true ? [ptraceRequest] : []),
    ...(job.git === 'writable' ? [gitRequest] : []),
  ];
}

const rawRequest: Request = {
  what: 'the raw machine ("image: none")',
  key: 'raw',
  isAllowed: ({ raw }) => raw,
};

const buildRequest: Request = { what: '"build"', key: 'build', isAllowed: ({ build }) => build };

const ptraceRequest: Request = {
  what: '"ptrace: true"',
  key: 'ptrace',
  isAllowed: ({ ptrace }) => ptrace,
};

/** podman takes an image name that starts so as the place of an image on this machine (containers-transports(5)). */
const transport =
  /^(docker-archive|oci-archive|oci|dir|docker-daemon|containers-storage|ostree|sif|tarball):/;

const transportRequest = (name: string): Request => ({
  what: `image ${quote(name, 300)}`,
  key: 'image-files',
  isAllowed: ({ imageFiles }) => imageFiles === 'any',
});

const gitRequest: Request = {
  what: '"git: writable"',
  key: 'git-writable',
  isAllowed: ({ gitWritable }) => gitWritable,
};

function fileRequest(name: string, path: string, repo: string): Request {
  return {
    what: `image ${quote(name, 300)}`,
    key: 'image-files',
    isAllowed: ({ imageFiles }) =>
      imageFiles === 'any' || (imageFiles === 'repo' && isBelowRepo(resolve(repo, path), repo)),
  };
}

/** Compares real paths: a committed link can lead anywhere. Of a file that does not exist, its folder decides. */
function isBelowRepo(path: string, repo: string): boolean {
  const root = realPath(repo);
  return realPath(path).startsWith(root.endsWith(sep) ? root : `${root}${sep}`);
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const folder = dirname(path);
    return folder === path ? path : join(realPath(folder), basename(path));
  }
}
