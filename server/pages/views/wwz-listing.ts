/** Lists a folder inside a wwz that has no index.html. Pure. */
import { encodeSegment, homePage, webFile } from '../../../model/path.js';
import { renderPage } from '../../../templates/template.js';
import { countText, cutText, visibleText } from '../../../templates/wording.js';
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
  const heading = cutText(inside === '' ? wwzName : inside);
  const listed = firstLinks(folder, isPublic);
  const left = all.filter(isPublic).length - listed.length;
  const wwzLink = { text: visibleText(wwzName), href: toWwz };
  return renderPage('listing', {
    frame: {
      title: cutText(`${wwzPath}/${inside}`),
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
    note:
      left === 0
        ? undefined
        : `${countText(left, 'more name')} of this folder ${left === 1 ? 'is' : 'are'} not listed. The downloaded zip contains all.`,
    upHref: inside === '' ? undefined : '../',
    entries: listed,
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

/** The links of a page at most, in bytes of HTML. */
const maxLinkBytes = 200 * 1024;

/** Returns the links to the first names that fit on a page, folders first. Stops there, whatever else the folder has. */
function firstLinks(
  { folders, files }: WwzFolder,
  isPublic: (name: string) => boolean,
): { text: string; href: string }[] {
  const links: { text: string; href: string }[] = [];
  let bytes = 0;
  for (const [names, slash] of [
    [folders, '/'],
    [files, ''],
  ] as const) {
    for (const name of names) {
      if (!isPublic(name)) continue;
      const { text, href } = { ...link(name, slash), text: cutText(name) + slash };
      // Handlebars writes each of these characters as an entity of at most 6.
      for (const part of [text, href]) bytes += Buffer.byteLength(part.replace(/[&<>"'`=]/g, '------'));
      bytes += '<li><a href=""><bdi></bdi></a></li>\n'.length;
      if (bytes > maxLinkBytes) return links;
      links.push({ text, href });
    }
  }
  return links;
}
