/** Lists a folder inside a wwz that has no index.html. Pure. */
import { encodeSegment, homePage, webFile } from '../../../model/path.js';
import { renderPage } from '../../../templates/template.js';
import { visibleText } from '../../../templates/wording.js';
import type { WwzFolder } from '../../../wwz/folder.js';

export interface WwzListingOptions {
  /** decoded path from the site's root to the wwz */
  readonly wwzPath: string;
  /** decoded path inside it: empty, or with a trailing slash */
  readonly inside: string;
  readonly folder: WwzFolder;
}

export function renderWwzListing({ wwzPath, inside, folder }: WwzListingOptions): string {
  const up = '../'.repeat(`${wwzPath}/${inside}`.split('/').length - 1);
  const toWwz = '../'.repeat(inside.split('/').length - 1);
  const isPublic = (name: string) => !name.startsWith('.');
  const all = [...folder.folders, ...folder.files];
  const wwzName = wwzPath.split('/').at(-1) ?? '';
  const heading = visibleText(inside === '' ? wwzName : inside);
  const wwzLink = { text: visibleText(wwzName), href: toWwz };
  return renderPage('listing', {
    frame: {
      title: visibleText(`${wwzPath}/${inside}`),
      siteTitle: 'Soil',
      homeHref: up + homePage(),
      styleHref: up + webFile('style.css'),
      iconHref: up + webFile('icon.svg'),
      feedHref: undefined,
      crumbs: [
        { text: 'Run', href: `${toWwz}../index.html` },
        ...(inside === '' ? [] : [wwzLink]),
        { text: heading, href: undefined },
      ],
    },
    heading,
    note: undefined,
    upHref: inside === '' ? undefined : '../',
    entries: [
      ...folder.folders.filter(isPublic).map((name) => link(name, '/')),
      ...folder.files.filter(isPublic).map((name) => link(name, '')),
    ],
    hidden: all.filter((name) => !isPublic(name)).length,
  });
}

/**
 * Returns a link. With `./`, a program that decodes it too early does not take a name with a colon for a URL scheme.
 */
const link = (name: string, slash: '/' | ''): { text: string; href: string } => ({
  text: visibleText(name) + slash,
  href: `./${encodeSegment(name)}${slash}`,
});
