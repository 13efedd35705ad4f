/** The page for an address without a file: the reason, and links to pages nearby. Pure. */
import {
  homePage,
  hostIndex,
  parseHostFolder,
  parseRunFolder,
  runPage,
  webFile,
  type SitePath,
} from '../../../model/path.js';
import type { Link } from '../../../templates/part.js';
import { renderPage } from '../../../templates/template.js';
import { hostWord, visibleText } from '../../../templates/wording.js';
import { runLabel } from './job-view.js';

export interface NotFoundView {
  /** the requested path below the site, with its leading slash and without its query */
  readonly rawPath: string;
  readonly message: string;
  /** whether the file was removed; its run still has a page */
  readonly isRemoved: boolean;
}

export function renderNotFound({ rawPath, message, isRemoved }: NotFoundView): string {
  // Count slashes as the browser does when it resolves links: all but the first, and no encoded ones.
  const up = '../'.repeat(Math.max(0, rawPath.split('/').length - 2));
  const link = (text: string, path: SitePath): Link => ({ text, href: up + path });
  const heading = isRemoved ? 'Removed' : 'Not found';
  return renderPage('listing', {
    frame: {
      title: `${heading} · Soil`,
      siteTitle: 'Soil',
      homeHref: up + homePage(),
      styleHref: up + webFile('style.css'),
      iconHref: up + webFile('icon.svg'),
      feedHref: undefined,
      crumbs: [{ text: heading, href: undefined }],
    },
    heading,
    note: `${visibleText(message.charAt(0).toUpperCase() + message.slice(1))}.`,
    upHref: undefined,
    entries: [...parentLinks(rawPath, isRemoved, link), link('Home', homePage())],
    hidden: 0,
  });
}

/** Returns links to the existing pages between the address and the home page. */
function parentLinks(
  rawPath: string,
  isRemoved: boolean,
  link: (text: string, path: SitePath) => Link,
): readonly Link[] {
  const [, hostText = '', runText = ''] = rawPath.split('/');
  const host = parseHostFolder(hostText);
  if (!host.ok) return [];
  const folder = parseRunFolder(host.value, runText);
  return [
    ...(isRemoved && folder.ok ? [link(runLabel(folder.value), runPage(folder.value))] : []),
    link(`All runs on ${hostWord(host.value)}`, hostIndex(host.value)),
  ];
}
