/** The static files of a site (stylesheet, icon, JSON Schemas) and of a wwz (stylesheet, icon). */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { schemaFile, webFile, wwzSoilFolder, type SitePath } from '../model/path.js';
import { templateFolder } from './template.js';

const schemaFolder = fileURLToPath(new URL('../../schema/', import.meta.url));

export interface WebAsset {
  readonly path: SitePath;
  readonly bytes: Buffer;
}

/** Returns the files of `web/`. No page needs a script. */
export function webAssets(): readonly WebAsset[] {
  return [
    { path: webFile('style.css'), bytes: readFileSync(`${templateFolder}style.css`) },
    { path: webFile('icon.svg'), bytes: readFileSync(`${templateFolder}icon.svg`) },
    ...schemaAssets(),
  ];
}

/** Returns the JSON Schemas of the files that people write, and of those that a site publishes. */
function schemaAssets(): readonly WebAsset[] {
  const names = readdirSync(schemaFolder).filter((name) => name.endsWith('.schema.json'));
  return names.sort().map((name) => ({ path: schemaFile(name), bytes: readFileSync(schemaFolder + name) }));
}

export const wwzStyle = `${wwzSoilFolder}/style.css`;
export const wwzIcon = `${wwzSoilFolder}/icon.svg`;

/** Returns the stylesheet and the icon for a wwz, whose pages must work after it is unpacked anywhere. */
export function wwzAssets(): readonly { readonly path: string; readonly bytes: Buffer }[] {
  return [
    { path: wwzStyle, bytes: readFileSync(`${templateFolder}style.css`) },
    { path: wwzIcon, bytes: readFileSync(`${templateFolder}icon.svg`) },
  ];
}
