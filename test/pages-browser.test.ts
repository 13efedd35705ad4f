import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { weakTexts, type FoundTexts } from './contrast.js';
import { servePages } from './sample-pages.js';
import { github, job, mainCommit, noon, task } from './sample-job.js';
import { hostileCommit, sampleSite, siteOf } from './sample-site.js';

// The most complex page of each kind; they show everything that simpler ones do.
const paths = [
  'index.html',
  'github-jobs/index.html',
  'github-jobs/page-1.html',
  'github-jobs/raw.html',
  'github-jobs/1234/index.html',
  'github-jobs/1234-2/index.html',
  'github-jobs/1233/index.html',
  `github-jobs/commits/${mainCommit}.html`,
  `github-jobs/commits/${hostileCommit}.html`,
  'github-jobs/1234/cpp-small.wwz/index.html',
  'github-jobs/1234/cpp-small.wwz/_soil/image.html',
  'srht-jobs/index.html',
  'srht-jobs/raw.html',
  'srht-jobs/998/index.html',
  'local-jobs/index.html',
  'local-jobs/nightlyonlaptop20260113T115900Z/index.html',
  'history/cpp-small.html',
  'retention.html',
  'projects.html',
  'github-jobs/1001-2/index.html',
  'github-jobs/9999/nothing.html',
];

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
  (path) => existsSync(path),
);
const args = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Runs in the page: finds cells whose content overflows into the next cell. */
const spilling = `[...document.querySelectorAll('td, tbody th')]
  .filter((cell) => getComputedStyle(cell).overflowX === 'visible' && cell.scrollWidth > cell.clientWidth + 1)
  .map((cell) => cell.textContent)`;

let browser: Browser;
let site: Awaited<ReturnType<typeof servePages>>;

before(
  async () => {
    assert.ok(
      executablePath,
      'cannot look at the pages: chromium is not installed (apt-get install chromium)',
    );
    browser = await chromium.launch({ executablePath, args });
    site = await servePages(sampleSite({ fillerRuns: 104 }));
  },
  { timeout: 60_000 },
);

after(async () => {
  await browser.close();
  site.server.closeAllConnections();
  site.server.close();
});

/** Opens each page in its own browser context; returns the browser's errors. */
async function visit(
  options: Parameters<Browser['newContext']>[0],
  look: (page: Page, path: string) => Promise<void>,
): Promise<readonly string[]> {
  const complaints: string[] = [];
  const context: BrowserContext = await browser.newContext(options);
  context.setDefaultTimeout(20_000);
  try {
    for (const path of paths) {
      const page = await context.newPage();
      page.on('console', (message) => complaints.push(`${path}: ${message.text()}`));
      page.on('pageerror', (error) => complaints.push(`${path}: ${error.message}`));
      page.on('dialog', (dialog) => {
        complaints.push(`${path}: a dialog ${dialog.message()}`);
        void dialog.dismiss();
      });
      const response = await page.goto(site.origin + path);
      assert.equal(response?.status(), 200, path);
      await look(page, path);
      await page.close();
    }
  } finally {
    await context.close();
  }
  return complaints;
}

for (const width of [320, 360, 800, 1121, 1280]) {
  test(`no page scrolls sideways or logs an error at ${width} pixels`, { timeout: 120_000 }, async () => {
    const complaints = await visit({ viewport: { width, height: 740 } }, async (page, path) => {
      const wide = await page.evaluate<number>('document.documentElement.scrollWidth');
      assert.ok(wide <= width, `${path} is ${wide} pixels wide`);
      assert.deepEqual(await page.evaluate<string[]>(spilling), [], `${path}: cells that spill over`);
    });
    assert.deepEqual(complaints, []);
  });
}

test('no printed page is wider than a sheet of paper', { timeout: 120_000 }, async () => {
  // A4 without margins, at 96 pixels an inch.
  await visit({ viewport: { width: 718, height: 1000 } }, async (page, path) => {
    await page.emulateMedia({ media: 'print' });
    const wide = await page.evaluate<number>('document.documentElement.scrollWidth');
    assert.ok(wide <= 718, `${path} is ${wide} pixels wide`);
  });
});

for (const colorScheme of ['light', 'dark'] as const) {
  test(`all text has the contrast of WCAG AA in ${colorScheme} colors`, { timeout: 120_000 }, async () => {
    let texts = 0;
    await visit({ colorScheme, viewport: { width: 1280, height: 900 } }, async (page, path) => {
      const found = await page.evaluate<FoundTexts>(weakTexts);
      texts += found.texts;
      assert.deepEqual(found.weak, [], path);
    });
    assert.ok(texts > 2000);
  });
}

test('light and dark color schemes differ', { timeout: 60_000 }, async () => {
  const papers = new Set<string>();
  for (const colorScheme of ['light', 'dark'] as const) {
    await visit({ colorScheme }, async (page) => {
      papers.add(await page.evaluate<string>('getComputedStyle(document.body).backgroundColor'));
    });
  }
  assert.equal(papers.size, 2);
});

test(
  'the keyboard reaches the skip link first, and every link shows its focus',
  { timeout: 60_000 },
  async () => {
    await visit({ viewport: { width: 1280, height: 900 } }, async (page, path) => {
      await page.keyboard.press('Tab');
      const text = await page.evaluate<string>('document.activeElement.textContent');
      const left = await page.evaluate<number>('document.activeElement.getBoundingClientRect().left');
      assert.equal(text, 'Skip to content', path);
      assert.ok(left >= 0, `${path}: the skip link is off screen`);
      await page.keyboard.press('Tab');
      const outline = await page.evaluate<string>(
        '(({ outlineStyle, outlineWidth }) => `${outlineStyle} ${outlineWidth}`)(getComputedStyle(document.activeElement))',
      );
      assert.equal(outline, 'solid 2px', path);
    });
  },
);

test('assistive technology sees a table also if a phone shows it as rows', { timeout: 60_000 }, async () => {
  const context = await browser.newContext({ viewport: { width: 360, height: 740 } });
  const page = await context.newPage();
  await page.goto(`${site.origin}github-jobs/1234/index.html`);
  const table = page.getByRole('table', { name: 'Jobs of this run' });
  assert.ok((await table.getByRole('row').count()) > 10);
  assert.ok((await table.getByRole('columnheader', { name: 'Outcome' }).count()) === 1);
  assert.ok((await table.getByRole('rowheader', { name: 'cpp-small' }).count()) === 1);
  await context.close();
});

test(
  "a phone shows the newest run in a job's history, also with long task names",
  { timeout: 60_000 },
  async () => {
    const rows = [task('passed', 'a-very-long-name-'.repeat(7).slice(0, 115), 1), task('failed', 'b', 2)];
    const record = { commit: mainCommit, branch: 'main', startTime: noon, deployTime: noon + 9 };
    const long = await servePages(siteOf('Test', [github('1', 1, [job('long', rows, record)])]));
    const context = await browser.newContext({ viewport: { width: 360, height: 740 } });
    try {
      const page = await context.newPage();
      await page.goto(`${long.origin}history/long.html`);
      const cell = page.getByRole('cell', { name: 'failed' }).first();
      const box = await cell.boundingBox();
      assert.ok(box !== null && box.x + box.width <= 360, JSON.stringify(box));
    } finally {
      await context.close();
      long.server.closeAllConnections();
      long.server.close();
    }
  },
);
