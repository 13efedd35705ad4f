/** Translates the manifest of an OCI image layout into the `manifest.json` entry that `docker load` reads. */
import { arch } from 'node:os';
import { UntrustedFolder } from '../../files/untrusted-folder.js';

const maxManifestBytes = 16 * 1024 * 1024;

export interface DockerManifest {
  /** the path of a blob in the layout; so is each layer */
  readonly Config: string;
  readonly RepoTags: null;
  readonly Layers: readonly string[];
}

/** Reads the manifest. Throws unless the folder is an OCI layout with exactly one image for this machine. */
export async function readOciManifest(folder: string): Promise<DockerManifest> {
  const layout = new UntrustedFolder(folder);
  try {
    return await readManifest(async (path) => {
      const text = (await layout.readFile(path, maxManifestBytes)).toString();
      try {
        return JSON.parse(text) as unknown;
      } catch {
        // The parser's message quotes the text.
        throw new Error(`${path} is not JSON`);
      }
    });
  } finally {
    layout.close();
  }
}

async function readManifest(read: (path: string) => Promise<unknown>): Promise<DockerManifest> {
  let manifest = await read('index.json');
  // An index can refer to an index of several platforms. Deeper nesting is not used in practice.
  for (let depth = 0; depth < 4 && listOf(manifest, 'manifests').length > 0; depth++) {
    manifest = await read(blobPath(chooseManifest(listOf(manifest, 'manifests'))));
  }
  const config = (manifest as { readonly config?: unknown }).config;
  return {
    Config: blobPath(config),
    RepoTags: null,
    Layers: listOf(manifest, 'layers').map(blobPath),
  };
}

function chooseManifest(entries: readonly unknown[]): unknown {
  const architecture = { x64: 'amd64', arm: 'arm', arm64: 'arm64', ia32: '386' }[arch()] ?? arch();
  const matching = entries.filter((entry) => {
    const platform = (
      entry as { readonly platform?: { readonly os?: unknown; readonly architecture?: unknown } }
    ).platform;
    return platform === undefined || (platform.os === 'linux' && platform.architecture === architecture);
  });
  if (matching.length !== 1)
    throw new Error(`it contains ${matching.length} images for ${architecture} instead of one`);
  return matching[0];
}

function listOf(value: unknown, key: string): readonly unknown[] {
  const list =
    typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;
  return Array.isArray(list) ? (list as unknown[]) : [];
}

/** Returns the path of a blob. Checks the digest, so that the path cannot lead outside `blobs/`. */
function blobPath(descriptor: unknown): string {
  const digest = (descriptor as { readonly digest?: unknown } | undefined)?.digest;
  const [, algorithm, hex] = /^(sha256|sha512):([0-9a-f]{64,128})$/.exec(String(digest)) ?? [];
  if (algorithm === undefined) throw new Error('not an OCI image layout: a digest is missing');
  return `blobs/${algorithm}/${hex}`;
}
