/**
 * Remembers the layers of images in the worker's state. An image never changes under its id, and to ask the engine for the
 * history of one takes a quarter of the time of a short job.
 */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { writeWhole } from '../../files/atomic-file.js';
import type { ImageLayer } from '../../model/record.js';
import { openStateFolder } from '../state/state-folder.js';
import type { Engine } from './engine.js';

export interface LayerStore {
  /** returns undefined if the image is not known */
  read(imageId: string): Promise<readonly ImageLayer[] | undefined>;
  write(imageId: string, layers: readonly ImageLayer[]): Promise<void>;
}

/** The least recently stored ones go first. */
const maxImages = 100;

/** Opens the store of an engine. Without a folder that can be written, it is always empty. */
export function openLayerStore(engine: Engine, repo: string): LayerStore {
  const opened = openStateFolder(engine.environment, repo).then(
    (folder) => (folder.ok ? join(folder.value, 'images') : undefined),
    () => undefined,
  );
  const fileOf = (folder: string, imageId: string): string =>
    join(folder, `${createHash('sha256').update(`${engine.program} ${imageId}`).digest('hex')}.json`);
  return {
    read: async (imageId) => {
      const folder = await opened;
      if (folder === undefined) return undefined;
      return parseLayers(await readFile(fileOf(folder, imageId), 'utf8').catch(() => ''));
    },
    write: async (imageId, layers) => {
      const folder = await opened;
      if (folder === undefined) return;
      try {
        await mkdir(folder, { recursive: true, mode: 0o700 });
        await writeWhole(fileOf(folder, imageId), JSON.stringify(layers), { sync: false, mode: 0o600 });
        await removeOldest(folder);
      } catch {
        // The next job asks the engine again.
      }
    },
  };
}

function parseLayers(text: string): readonly ImageLayer[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every(isLayer) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isLayer(value: unknown): value is ImageLayer {
  const { bytes, command } = (value ?? {}) as Partial<Record<keyof ImageLayer, unknown>>;
  return typeof bytes === 'number' && typeof command === 'string';
}

async function removeOldest(folder: string): Promise<void> {
  const names = await readdir(folder);
  if (names.length <= maxImages) return;
  const files = await Promise.all(
    names.map(async (name) => ({ name, time: (await stat(join(folder, name))).mtimeMs })),
  );
  const oldest = files.sort((a, b) => a.time - b.time).slice(0, files.length - maxImages);
  for (const { name } of oldest) await rm(join(folder, name), { force: true });
}
