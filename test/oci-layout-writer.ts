/** Converts the image of a docker archive to a folder in the OCI image layout, by its specification. */
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { must } from './command.js';

/** Writes index, manifest, config and layers. */
export async function writeLayout(archive: string, layout: string): Promise<void> {
  const from = `${layout}-parts`;
  await mkdir(from, { recursive: true });
  await mkdir(join(layout, 'blobs', 'sha256'), { recursive: true });
  await must('tar', ['-C', from, '-xf', archive]);
  const put = async (bytes: Buffer, mediaType: string) => {
    const hash = createHash('sha256').update(bytes).digest('hex');
    await writeFile(join(layout, 'blobs', 'sha256', hash), bytes);
    return { mediaType, digest: `sha256:${hash}`, size: bytes.length };
  };
  const [entry] = JSON.parse(await readFile(join(from, 'manifest.json'), 'utf8')) as [
    { readonly Config: string; readonly Layers: readonly string[] },
  ];
  const type = 'application/vnd.oci.image';
  const config = await put(await readFile(join(from, entry.Config)), `${type}.config.v1+json`);
  const layers = [];
  for (const layer of entry.Layers) {
    layers.push(await put(await readFile(join(from, layer)), `${type}.layer.v1.tar`));
  }
  const manifestType = `${type}.manifest.v1+json`;
  const manifest = await put(
    Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: manifestType, config, layers })),
    manifestType,
  );
  await writeFile(join(layout, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [manifest] }));
  await writeFile(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
}
