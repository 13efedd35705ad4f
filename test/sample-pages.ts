/** Renders every page and file of the sample site, and serves them on loopback like the real server. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  branchFile,
  branchKey,
  commitArtifactFolder,
  commitPage,
  historyFile,
  historyPage,
  homePage,
  jobFile,
  runPage,
  wwzEarlierLog,
  wwzImagePage,
  wwzIndex,
  wwzLog,
  wwzSchema0Log,
} from '../model/path.js';
import { workerHosts } from '../model/name.js';
import { webAssets, wwzAssets } from '../templates/asset.js';
import { renderCommit } from '../server/pages/views/commit-page.js';
import { renderHome } from '../server/pages/views/home-page.js';
import { hostIndexPages, hostIndexPath, renderHostIndex } from '../server/pages/views/host-index-page.js';
import { rawIndexPages, rawIndexPath, renderRawIndex } from '../server/pages/views/raw-index-page.js';
import { renderRun } from '../server/pages/views/run-page.js';
import { renderHistoryPage } from '../server/pages/views/history-page.js';
import { rarePages } from './sample-rare-pages.js';
import type { SampleSite } from './sample-site.js';
import { renderImagePage, renderWwzIndex } from '../worker/record/wwz-index.js';

/** Returns the HTML of every page that the server writes, by path. */
export function serverPages(site: SampleSite): ReadonlyMap<string, string> {
  const pages = new Map<string, string>([[homePage(), String(renderHome(site))]]);
  for (const host of workerHosts) {
    for (let page = 1; page <= hostIndexPages(site, host); page++) {
      pages.set(hostIndexPath(site, host, page), String(renderHostIndex(site, host, page)));
    }
    for (let page = 1; page <= rawIndexPages(site, host); page++) {
      pages.set(rawIndexPath(site, host, page), String(renderRawIndex(site, host, page)));
    }
    for (const run of site.groups(host).flat()) {
      for (const { address } of run.jobs) {
        const html = renderHistoryPage(site, address.job, (job) => site.detailsOf(job));
        if (html !== undefined) pages.set(historyPage(address.job), html.toString());
      }
      pages.set(runPage(run.folder), String(renderRun(site, run.folder, site.details(run.folder))));
      if (run.commit !== undefined) {
        pages.set(commitPage(host, run.commit), String(renderCommit(site, host, run.commit)));
      }
    }
  }
  return pages;
}

/** Returns the HTML of the pages inside each job's wwz, by path. */
export function wwzPages(site: SampleSite): ReadonlyMap<string, string> {
  const pages = new Map<string, string>();
  for (const { address, record, rows, wwzBytes } of site.jobs) {
    // A wwz of Soil's shell worker has its own index.
    if (record === undefined || record.schema === 0 || wwzBytes === undefined) continue;
    const wwz = jobFile(address, 'wwz');
    const hasImagePage = record.image !== undefined;
    pages.set(`${wwz}/${wwzIndex}`, renderWwzIndex({ record, rows, hasImagePage }));
    if (record.image !== undefined) {
      const html = renderImagePage({
        ...{ image: record.image, pullSeconds: record.imagePullSeconds, job: record.job },
      });
      pages.set(`${wwz}/${wwzImagePage}`, html);
    }
  }
  return pages;
}

/** Returns the paths of everything else that a page can link to: assets, the three files of each job, logs, results, artifacts. */
export function otherPaths(site: SampleSite): ReadonlySet<string> {
  const paths = new Set<string>(webAssets().map((asset) => asset.path));
  for (const { address, record, rows, wwzBytes } of site.jobs) {
    if (record === undefined) continue;
    paths.add(historyFile(address.job));
    const key = branchKey(record.branch ?? '');
    if (key !== undefined) paths.add(branchFile(key, 'feed.atom'));
    for (const suffix of ['json', 'tsv', 'wwz'] as const) paths.add(jobFile(address, suffix));
    if (wwzBytes === undefined) continue;
    const inWwz = (entry: string) => paths.add(`${jobFile(address, 'wwz')}/${entry}`);
    if (record.schema === 0) inWwz(wwzIndex);
    for (const asset of wwzAssets()) inWwz(asset.path);
    for (const row of rows) {
      if (row.kind === 'bad') continue;
      inWwz(record.schema === 0 ? wwzSchema0Log(row.task) : wwzLog(row.task));
      inWwz(wwzEarlierLog(row.task, 1));
      if (row.resultHtml !== undefined) inWwz(row.resultHtml);
    }
  }
  for (const host of workerHosts) {
    for (const commit of new Set(
      site.groups(host).flatMap((group) => group.flatMap((run) => run.commit ?? [])),
    )) {
      for (const file of site.artifacts(host, commit)) {
        paths.add(`${commitArtifactFolder(host, commit)}/${file}`);
      }
    }
  }
  return paths;
}

/** Serves the pages on loopback below `/some/prefix/`, with a policy that forbids scripts and inline styles. */
export async function servePages(
  site: SampleSite,
): Promise<{ readonly server: Server; readonly origin: string }> {
  const files = new Map<string, string | Buffer>([
    ...serverPages(site),
    ...wwzPages(site),
    ...rarePages(site),
  ]);
  for (const asset of webAssets()) files.set(asset.path, asset.bytes);
  for (const page of wwzPages(site).keys()) {
    const wwz = page.slice(0, page.indexOf('.wwz/') + '.wwz/'.length);
    for (const asset of wwzAssets()) files.set(`${wwz}${asset.path}`, asset.bytes);
  }
  const types: Record<string, string> = {
    html: 'text/html; charset=utf-8',
    css: 'text/css',
    svg: 'image/svg+xml',
  };
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://site').pathname);
    const body = files.get(path.replace('/some/prefix/', ''));
    const policy = "default-src 'none'; style-src 'self'; img-src 'self'";
    response.writeHead(body === undefined ? 404 : 200, {
      'Content-Type': types[path.split('.').at(-1) ?? ''] ?? 'text/plain',
      'Content-Security-Policy': policy,
    });
    response.end(body ?? 'not found');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { server, origin: `http://127.0.0.1:${port}/some/prefix/` };
}
