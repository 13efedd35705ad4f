/** Every key of policy.yml. Its parser, schema/policy.schema.json and the table in docs/security.md are made from them. */
import { keyTable } from '../../model/key-table.js';
import { words } from '../../model/value-list.js';
import { choice, flag, text } from '../../model/value-type.js';

/** One value or pattern of a list: text without line breaks, in which `*` matches any text. */
const pattern = text('`any`, `none`, pattern', {
  pattern: /^[^\p{Cc}]{1,1000}$/u,
  expected: 'one line of at most 1000 characters',
});
const patterns = (item: string) => words(pattern, { item });

const trustRule = choice(['default', 'forks', 'always']);
const fileRule = choice(['any', 'repo', 'none']);

export const policyKeys = keyTable({
  keys: {
    untrusted: {
      type: trustRule,
      doc: 'Which jobs run as with `--untrusted`: `default`, jobs of fork events unless `--no-untrusted` is given; `forks`, those always; `always`, every job.',
      default: 'default',
      example: 'always',
    },
    'engine-flags': {
      type: patterns('engine flag'),
      doc: 'The `engine-flags` that a job may have. Each element of the list in soil.yml must match a pattern as a whole, so a flag needs its value after `=`.',
      default: 'any',
      example: "['--memory=*', '--shm-size=*']",
    },
    build: {
      type: flag,
      doc: 'Allow `build`. What a Containerfile may name is up to the engine: podman reads `FROM oci-archive:PATH` on this machine.',
      default: 'true',
      example: 'false',
    },
    'build-flags': {
      type: patterns('build flag'),
      doc: 'The `flags` of `build` that a job may have, in the same way.',
      default: 'any',
      example: "['--build-arg=*']",
    },
    images: {
      type: patterns('image'),
      doc: 'The names of images that a job may use.',
      default: 'any',
      example: "['docker.io/library/*', 'debian:*']",
    },
    'image-files': {
      type: fileRule,
      doc: 'Where `docker-archive:`, `oci:` and `rootfs:` may lead: anywhere on this machine, or below the repository only. `repo` and `none` also refuse the other places that podman knows, such as `oci-archive:` and `containers-storage:`.',
      default: 'any',
      example: 'repo',
    },
    raw: {
      type: flag,
      doc: 'Allow `image: none`, which runs tasks on this machine as the user of the worker.',
      default: 'true',
      example: 'false',
    },
    ssh: {
      type: patterns('destination'),
      doc: 'The destinations that `image: ssh:` may name. One that starts with `-` is always refused.',
      default: 'any',
      example: '[ci@build.example.org]',
    },
    network: {
      type: patterns('network'),
      doc: 'The values that `network` may have. `default` stands for a job without that key; `none` in this list is the value `none`.',
      default: 'any',
      example: '[default, none]',
    },
    ptrace: { type: flag, doc: 'Allow `ptrace: true`.', default: 'true', example: 'false' },
    'git-writable': {
      type: flag,
      doc: "Allow `git: writable`, which gives tasks the repository's real `.git`.",
      default: 'true',
      example: 'false',
    },
    secrets: {
      type: patterns('secret'),
      doc: 'The names that `secrets` may list.',
      default: 'any',
      example: "['STAGING_*']",
    },
    publish: {
      type: flag,
      doc: 'Allow `run --publish`, `publish`, `announce` and `artifact put`.',
      default: 'true',
      example: 'false',
    },
    'publish-raw': {
      type: flag,
      doc: 'Allow `run --publish` of a job on the raw machine, whose tasks can read the token.',
      default: 'true',
      example: 'false',
    },
  },
});
