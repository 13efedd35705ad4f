/** The files that pages link: the stylesheet and the icon, for the site and for the inside of a wwz. */
import { readFileSync } from 'node:fs';
import { webFile, wwzOwnFolder, type SitePath } from '../model/path.js';
import { templateFolder } from './template.js';

/** What `web/` holds. No page needs a script. */
export function webAssets(): readonly { readonly path: SitePath; readonly bytes: Buffer }[] {
  return [
    { path: webFile('style.css'), bytes: readFileSync(`${templateFolder}style.css`) },
    { path: webFile('icon.svg'), bytes: readFileSync(`${templateFolder}icon.svg`) },
  ];
}

/** The same files for a wwz, which must be readable wherever it is unpacked. */
export const wwzStyle = `${wwzOwnFolder}/style.css`;
export const wwzIcon = `${wwzOwnFolder}/icon.svg`;

export function wwzAssets(): readonly { readonly path: string; readonly bytes: Buffer }[] {
  return [
    { path: wwzStyle, bytes: readFileSync(`${templateFolder}style.css`) },
    { path: wwzIcon, bytes: readFileSync(`${templateFolder}icon.svg`) },
  ];
}
