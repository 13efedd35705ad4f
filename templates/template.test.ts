import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { webAssets, wwzAssets } from './asset.js';
import { renderPageWithFragments, templateFolder } from './template.js';
import type { HomeView } from './page.js';

const sources = readdirSync(templateFolder)
  .filter((file) => file.endsWith('.hbs'))
  .map((file) => [file, readFileSync(`${templateFolder}${file}`, 'utf8')] as const);

test('templates have no triple brace, unquoted attribute, style, script or event handler', () => {
  assert.ok(sources.length > 5);
  for (const [file, source] of sources) {
    assert.doesNotMatch(source, /\{\{\{|\{\{&/, file);
    assert.doesNotMatch(source, /=\{\{/, file);
    assert.doesNotMatch(source, /<script|<style|\sstyle=|\son[a-z]+=/i, file);
  }
});

test('templates use only the helpers if, unless and each', () => {
  for (const [file, source] of sources) {
    for (const [, helper] of source.matchAll(/\{\{#([a-z]+)/g)) {
      assert.ok(['if', 'unless', 'each'].includes(helper ?? ''), `${file}: ${helper}`);
    }
  }
});

test('renderPageWithFragments() throws if a view lacks a key of its template', () => {
  assert.throws(
    () => renderPageWithFragments('home', { running: [], hosts: [] } as unknown as HomeView),
    /"title" not defined/,
  );
});

test('the stylesheet has a class for every outcome', () => {
  const css =
    webAssets()
      .find((asset) => asset.path === 'web/style.css')
      ?.bytes.toString() ?? '';
  for (const name of ['passed', 'flaky', 'failed', 'timed-out', 'cancelled', 'skipped', 'error', 'empty']) {
    assert.ok(css.includes(`.mark.${name}`), name);
  }
  for (const name of ['running', 'expected', 'lost']) assert.ok(css.includes(`.mark.${name}`), name);
  assert.doesNotMatch(css, /url\(|@import/);
});

test('webAssets() has the bytes of wwzAssets(), and schemas', () => {
  assert.deepEqual(
    webAssets()
      .filter(({ path }) => !path.startsWith('web/schema/'))
      .map((asset) => asset.bytes),
    wwzAssets().map((asset) => asset.bytes),
  );
});

test('importing the views does not load Handlebars', () => {
  const views = fileURLToPath(new URL('../worker/record/wwz-index.js', import.meta.url));
  const code =
    'const { createRequire } = await import("node:module");' +
    'await import(process.argv[1]);' +
    'console.log(Object.keys(createRequire(process.argv[1]).cache).filter((f) => f.includes("handlebars")).length)';
  const out = execFileSync(process.execPath, ['--input-type=module', '-e', code, views], { timeout: 30_000 });
  assert.equal(out.toString().trim(), '0');
});
