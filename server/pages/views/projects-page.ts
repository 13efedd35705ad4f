/** The list of projects, at the root of a server that has no project there. Pure. */
import { homePage, webFile } from '../../../model/path.js';
import { renderPage } from '../../../templates/template.js';
import { visibleText } from '../../../templates/wording.js';

export interface ProjectList {
  readonly title: string;
  readonly projects: readonly { readonly prefix: string; readonly title: string }[];
}

export function renderProjects({ title, projects }: ProjectList): string {
  const sorted = [...projects].sort((a, b) => (a.prefix < b.prefix ? -1 : 1));
  return renderPage('projects', {
    frame: {
      title: visibleText(title),
      siteTitle: visibleText(title),
      homeHref: './',
      styleHref: webFile('style.css'),
      iconHref: webFile('icon.svg'),
      feedHref: undefined,
      crumbs: [],
    },
    // Relative, so that a proxy may serve everything below a prefix.
    projects: sorted.map((project) => {
      const path = project.prefix.slice(1);
      return { path, href: `./${path}/${homePage()}`, title: visibleText(project.title) };
    }),
  });
}
