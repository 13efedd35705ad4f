/** A folder inside a wwz that has no index.html -> a plain HTML list of what is in it. Pure. */
import { encodeSegment } from '../model/path.js';
import type { WwzFolder } from '../wwz/folder.js';

/** Where the list stands: the decoded path from the site's root to the folder, with a trailing slash. */
export function renderWwzListing(
  path: string,
  folder: WwzFolder,
  { isRoot }: { readonly isRoot: boolean },
): string {
  const up = '../'.repeat(path.split('/').length - 1);
  const isPublic = (name: string) => !name.startsWith('.');
  const hidden = [...folder.folders, ...folder.files].filter((name) => !isPublic(name)).length;
  const items = [
    ...(isRoot ? [] : ['<li><a href="../">../</a></li>']),
    ...folder.folders.filter(isPublic).map((name) => item(name, '/')),
    ...folder.files.filter(isPublic).map((name) => item(name, '')),
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(path)}</title>
<link rel="stylesheet" href="${up}web/style.css">
</head>
<body>
<main>
<h1>${escapeHtml(path)}</h1>
<ul>
${items.join('\n')}
</ul>
${hidden === 0 ? '' : `<p>${hidden} more, whose names begin with a dot, are in the downloaded zip only.</p>\n`}</main>
</body>
</html>
`;
}

/** `./` keeps a name with a colon from reading as a URL's scheme where a program decodes the link too early. */
const item = (name: string, slash: '/' | ''): string =>
  `<li><a href="./${encodeSegment(name)}${slash}">${escapeHtml(name)}${slash}</a></li>`;

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (c) => entities[c] ?? c);
}
