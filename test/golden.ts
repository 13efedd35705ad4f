/** Maps each golden file to a page of the sample site; `--write` writes the files. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { rarePages } from './sample-rare-pages.js';
import { serverPages, wwzPages } from './sample-pages.js';
import { sampleSite } from './sample-site.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const commit = '09ab09ab3f6e1c52d8a4b7e90c1d2e3f40516273';

/** The page of the sample site for the path of each golden file. */
const goldenFiles: Readonly<Record<string, string>> = {
  'server/pages/views/golden/home.html': 'index.html',
  'server/pages/views/golden/github-index.html': 'github-jobs/index.html',
  'server/pages/views/golden/github-raw.html': 'github-jobs/raw.html',
  'server/pages/views/golden/sourcehut-index.html': 'srht-jobs/index.html',
  'server/pages/views/golden/run.html': 'github-jobs/1234/index.html',
  'server/pages/views/golden/run-second-attempt.html': 'github-jobs/1234-2/index.html',
  'server/pages/views/golden/run-hostile.html': 'github-jobs/1233/index.html',
  'server/pages/views/golden/run-sourcehut.html': 'srht-jobs/998/index.html',
  'server/pages/views/golden/commit.html': `github-jobs/commits/${commit}.html`,
  'server/pages/views/golden/history.html': 'history/cpp-small.html',
  'server/pages/views/golden/retention.html': 'retention.html',
  'server/pages/views/golden/removed-run.html': 'github-jobs/1001-2/index.html',
  'server/pages/views/golden/projects.html': 'projects.html',
  'server/pages/views/golden/wwz-listing.html': 'github-jobs/1234/cpp-small.wwz/_test/',
  'server/pages/views/golden/not-found.html': 'github-jobs/9999/nothing.html',
  'server/pages/views/golden/removed-file.html': 'github-jobs/1001-2/cpp-small.wwz/index.html',
  'worker/record/golden/wwz-index.html': 'github-jobs/1234/cpp-small.wwz/index.html',
  'worker/record/golden/image.html': 'github-jobs/1234/cpp-small.wwz/_soil/image.html',
};

/** Returns, for the path of each golden file, the page as it is rendered now and as it was last reviewed. */
export function goldenPages(): ReadonlyMap<string, { readonly now: string; readonly reviewed: string }> {
  const pages = renderAll();
  return new Map(
    [...pages].map(([file, now]) => [file, { now, reviewed: readFileSync(root + file, 'utf8') }]),
  );
}

function renderAll(): ReadonlyMap<string, string> {
  const site = sampleSite();
  const pages = new Map([...serverPages(site), ...wwzPages(site), ...rarePages(site)]);
  return new Map(
    Object.entries(goldenFiles).map(([file, path]) => {
      const html = pages.get(path);
      if (html === undefined) throw new Error(`cannot render "${path}": the sample site has no such page`);
      return [file, html];
    }),
  );
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href && process.argv[2] === '--write') {
  for (const [file, html] of renderAll()) {
    writeFileSync(root + file, html);
    console.log(file);
  }
}
