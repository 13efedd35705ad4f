/** A folder in the OCI image layout -> the entry of `manifest.json` that `docker load` reads for it. */
import { readFile } from 'node:fs/promises';
import { arch } from 'node:os';
import { join } from 'node:path';

export interface DockerManifest {
  /** the path of a blob in the layout, as are the layers */
  readonly Config: string;
  readonly RepoTags: null;
  readonly Layers: readonly string[];
}

/** Throws where the folder is no such layout, or holds another number of images than one for this machine. */
export async function readOciManifest(folder: string): Promise<DockerManifest> {
  const read = async (path: string): Promise<unknown> =>
    JSON.parse(await readFile(join(folder, path), 'utf8')) as unknown;
  let manifest = await read('index.json');
  // An index may name an index of several platforms; deeper than that nobody goes.
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
  const own = { x64: 'amd64', arm: 'arm', arm64: 'arm64', ia32: '386' }[arch()] ?? arch();
  const fitting = entries.filter((entry) => {
    const platform = (
      entry as { readonly platform?: { readonly os?: unknown; readonly architecture?: unknown } }
    ).platform;
    return platform === undefined || (platform.os === 'linux' && platform.architecture === own);
  });
  if (fitting.length !== 1) throw new Error(`it holds ${fitting.length} images for ${own}; it must be one`);
  return fitting[0];
}

function listOf(value: unknown, key: string): readonly unknown[] {
  const list =
    typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;
  return Array.isArray(list) ? (list as unknown[]) : [];
}

/** A digest is a name of a file below `blobs/`; nothing else may come of it. */
function blobPath(descriptor: unknown): string {
  const digest = (descriptor as { readonly digest?: unknown } | undefined)?.digest;
  const [, algorithm, hex] = /^(sha256|sha512):([0-9a-f]{64,128})$/.exec(String(digest)) ?? [];
  if (algorithm === undefined) throw new Error('it is no OCI image layout: a digest is missing');
  return `blobs/${algorithm}/${hex}`;
}
