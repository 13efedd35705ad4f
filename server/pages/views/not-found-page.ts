/** An address at which nothing is, and why -> a page for whoever followed an old link: the sentence, and ways on. Pure. */
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
  /** as it was asked for, below the site's folder, with its leading slash and without its query */
  readonly rawPath: string;
  readonly message: string;
  /** it was there: the page of its run still is */
  readonly isRemoved: boolean;
}

export function renderNotFound({ rawPath, message, isRemoved }: NotFoundView): string {
  // As the browser counts that resolves the links: every slash but the first, encoded ones are none.
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
    note: `${visibleText(message)}.`,
    upHref: undefined,
    entries: [...parentLinks(rawPath, isRemoved, link), link('Home', homePage())],
    hidden: 0,
  });
}

/** The pages between the address and home that are there. */
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
    link(`All runs of ${hostWord(host.value)}`, hostIndex(host.value)),
  ];
}
